import { tokenLifecycle } from '../../../machines/index.ts'
import type { Bounds } from '../bounds.ts'
import { World } from '../explore-world.ts'
import { keyOf } from '../key.ts'
import { movesOf } from '../moves.ts'
import type { Place } from '../place.ts'
import type { Act, Scenario } from './acts.ts'
import { type Leg, translate } from './translate.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
/** The policy's own lengths, as `stage.ts` has them drawn. */
const LENGTHS: Bounds['lengths'] = {
  access: 59.5 * MINUTE,
  refreshDue: 47.5 * MINUTE,
  refresh: 24 * 60 * MINUTE - 30 * SECOND,
  young: MINUTE,
  pause: 10 * MINUTE,
  full: MINUTE,
  backOff: 37.5 * SECOND,
}

type Switches = Pick<Bounds, 'proactive' | 'refreshUnauthorized'>
const WORLDS: Readonly<Record<string, Switches>> = {
  'by default': { proactive: 'timer', refreshUnauthorized: 'fail' },
  'on demand': { proactive: 'onDemand', refreshUnauthorized: 'recreate' },
}

/** Places that are looked at in each world: more of them lead to no other transition. */
const PLACES = 600

/**
 * Walks the chart breadth first over those moves that somebody outside of a client can bring about, and keeps the first
 * path that takes a transition. Times are real ones, so that a path can be played as it stands.
 */
export function generate(): readonly Scenario[] {
  const found = new Set<string>()
  return Object.entries(WORLDS).flatMap(([world, switches]) =>
    walk(switches).flatMap(({ takes, name, ...path }) => {
      const news = takes.filter((transition) => !found.has(transition))
      for (const transition of news) found.add(transition)
      return news.length === 0 ? [] : [{ ...path, takes: news, name: `${world}: ${name}` }]
    }),
  )
}

interface Visit {
  readonly place: Place
  readonly legs: readonly Leg[]
}

function walk(switches: Switches): Scenario[] {
  const world = new World(tokenLifecycle, {
    ...switches,
    lengths: LENGTHS,
    callers: 1,
    noted: 1,
    refreshAttemptsLimit: 1,
    every: false,
    jumps: [1, 61 * MINUTE],
    without: ['restart'],
  })
  const { place } = world.start(Date.UTC(2026, 0, 5, 8))
  const seen = new Set([keyOf(place)])
  const paths: Scenario[] = []
  let layer: Visit[] = [{ place, legs: [] }]
  while (layer.length > 0) {
    const next: Visit[] = []
    for (const visit of layer) {
      for (const { label, make } of movesOf(world, visit.place)) {
        if (translate(label, visit.place) === undefined) continue
        const known = world.taken.size
        const reached = make().place
        const legs = [...visit.legs, { label, from: visit.place, to: reached }]
        const news = world.taken.size > known ? [...world.taken].slice(known) : []
        const key = keyOf(reached)
        if (news.length === 0 && (seen.has(key) || seen.size >= PLACES)) continue
        const acts = actsOf(legs, switches)
        // Another path may get there.
        if (acts === undefined) {
          for (const name of news) world.taken.delete(name)
          continue
        }
        if (news.length > 0) paths.push({ ...acts, takes: news, name: storyOf(legs) })
        if (seen.has(key) || seen.size >= PLACES) continue
        seen.add(key)
        next.push({ place: reached, legs })
      }
    }
    layer = next
  }
  return paths
}

/** Moves of the graph as acts on a client; `undefined` where those outside of a client cannot do them in this order. */
function actsOf(legs: readonly Leg[], switches: Switches): Pick<Scenario, 'setting' | 'acts'> | undefined {
  const prior: Act[] = []
  const acts: Act[] = []
  let sentBy = -1
  let sends = 0
  let budgetLimit: number | undefined
  for (const [index, leg] of legs.entries()) {
    const translated = translate(leg.label, leg.from)
    if (translated === undefined) return undefined
    const { staged } = translated
    // What another process did before the request went out has to be done before that.
    if (staged !== undefined) {
      if (index !== sentBy + 1) return undefined
      const begins = acts.pop()
      if (begins === undefined || begins.act === 'read') return undefined
      acts.push(...staged, begins)
    }
    if (translated.full) budgetLimit ??= sends
    const { prior: earlier = [] } = translated
    prior.push(...earlier)
    // Of the same minute.
    if (earlier.at(-1)?.act === 'other') sends += 1
    acts.push(...(translated.acts ?? []))
    if (leg.to.known.inFlight !== null && leg.to.known.inFlight !== leg.from.known.inFlight) {
      sentBy = index
      sends += 1
    }
  }
  const policy = { ...switches, refreshAttemptsPerGeneration: 1, ...(budgetLimit && { budgetLimit }) }
  const deaf = legs.some(({ label }) => label.endsWith('adopted'))
  return { setting: { policy, deaf }, acts: [...prior, { act: 'start', held: true }, ...acts] }
}

const storyOf = (legs: readonly Leg[]) => legs.map(({ label }) => label).join(' → ')
