import { expect, it } from 'vitest'
import { lived } from './lived.ts'

/** Clients that judge themselves as they run see their own traffic alone; what the others did, the record tells. */

it.each([
  ['one of them gives all commands', 0, () => 0],
  ['each gives commands in turn', 0, (hour: number) => (hour + Math.floor(hour / 24)) % 3],
  ['each gives commands in turn, over a slow line', 20, (hour: number) => (hour + Math.floor(hour / 24)) % 3],
] as const)(
  'of three clients on one store, listening for ten days of faults, none finds anything: %s',
  async (_, latencyMs, operator) => {
    const { findings } = await lived(latencyMs, operator)
    expect(findings.slice(0, 20)).toEqual([])
  },
)
