import { expect, it } from 'vitest'
import { tokenLifecycle } from '../../machines/index.ts'
import { SLICES } from './bounds.ts'
import { World } from './explore-world.ts'
import { movesOf } from './moves.ts'

it('a record of the same pair, read meanwhile, holds up no sign-in after a refresh was rejected', () => {
  const { bounds } = SLICES.find(({ name }) => name === 'other processes, restarts') ?? {}
  if (bounds === undefined) throw new Error('there is no such world')
  const world = new World(tokenLifecycle, bounds)
  let { place } = world.start(1_000)
  for (const wanted of [
    'a plain caller asks',
    'another process stored nothing',
    'create answered: adopted',
    'another process stored something beside the same pair',
    'refresh answered: 400',
  ]) {
    const move = movesOf(world, place).find(({ label }) => label === wanted)
    if (move === undefined) throw new Error(`there is no such move: ${wanted}`)
    const { place: reached, wrong } = move.make()
    expect(wrong).toEqual([])
    place = reached
  }
  expect(place.known.inFlight).toBe('create')
})
