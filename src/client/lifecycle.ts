import { createActor, fromPromise, type InspectionEvent, type SnapshotFrom } from 'xstate'
import { tokenLifecycle } from '../../machines/token-lifecycle.ts'
import type { Clock } from '../clock.ts'
import type { LifecycleEmitted, LifecycleEvent } from '../policy/events.ts'
import type { Situation } from '../policy/facts.ts'
import type { Policy } from '../policy/schema.ts'
import type { Protocol } from './protocol.ts'

/** A step of the chart, as the inspector sees it. */
export interface Step {
  readonly from: string
  readonly to: string
  readonly gate: string
  readonly event: string
  readonly ids: readonly string[]
  readonly why: string
}

/** The chart, running, with its transport plugged in. */
export interface Lifecycle {
  send(event: LifecycleEvent): void
  context(): Situation
  snapshot(): LifecycleSnapshot
  subscribe(listener: (snapshot: LifecycleSnapshot) => void): { unsubscribe(): void }
  stop(): void
}

/** What the chart shows of itself: no token, so nothing secret. */
export interface LifecycleSnapshot {
  /** State of the region `tokens`, a dotted path: `sending.refreshing`. */
  readonly state: string
  /** State of the region `gate`: `open`, `paused`, `full`, `backingOff`. */
  readonly gate: string
  /** `busy`: a token request is in flight. `stopped`: failed and surfaced. `paused`: after a 429. */
  readonly tags: ReadonlySet<'busy' | 'stopped' | 'paused'>
  /** The facts that the chart decides by; times in ms on the client's timeline. */
  readonly facts: Situation
}

export interface LifecycleOptions {
  clock: Clock
  atMs: number
  policy: Policy
  protocol: Pick<Protocol, 'load' | 'create' | 'refresh'>
  onEmitted: (emitted: LifecycleEmitted) => void
  onStep: (step: Step) => void
  onFault: (error: unknown) => void
  inspect: ((event: InspectionEvent) => void) | undefined
}

type Snapshot = SnapshotFrom<typeof tokenLifecycle>

const path = (value: unknown): string => {
  if (typeof value === 'string') return value
  const [[parent, child] = ['', '']] = Object.entries(value as Record<string, unknown>)
  return `${parent}.${path(child)}`
}

const view = (snapshot: Snapshot): LifecycleSnapshot => ({
  state: path(snapshot.value.tokens),
  gate: path(snapshot.value.gate),
  tags: snapshot.tags as ReadonlySet<'busy' | 'stopped' | 'paused'>,
  facts: snapshot.context,
})

export function startLifecycle(options: LifecycleOptions): Lifecycle {
  const { protocol, policy } = options
  let last = { state: 'loading', gate: 'open' }

  const inspect = (event: InspectionEvent) => {
    try {
      options.inspect?.(event)
    } catch {
      // An inspector's fault must not make `send` throw.
    }
    if (event.type !== '@xstate.microstep') return
    const { state, gate } = view(event.snapshot as Snapshot)
    const from = last
    last = { state, gate }
    if (state === from.state && gate === from.gate) return
    // `_transitions` is how the inspector names what was taken; the first with words of its own tells the story.
    const taken = event._transitions as readonly {
      description?: string
      meta?: { ids?: readonly string[] }
      source: { path: readonly string[] }
    }[]
    const region = state === from.state ? 'gate' : 'tokens'
    const told = taken.find(
      (transition) => transition.source.path[0] === region && transition.description !== undefined,
    )
    options.onStep({
      from: from.state,
      to: state,
      gate,
      event: event.event.type,
      ids: told?.meta?.ids ?? [],
      why: told?.description ?? '',
    })
  }

  const actor = createActor(
    tokenLifecycle.provide({
      actors: {
        load: fromPromise(({ signal }) => protocol.load(signal)),
        create: fromPromise(({ input, signal }) => protocol.create(input as never, signal)),
        refresh: fromPromise(({ input, signal }) => protocol.refresh(input as never, signal)),
      },
    }),
    {
      clock: options.clock,
      inspect,
      input: {
        atMs: options.atMs,
        proactive: policy.proactive,
        refreshUnauthorized: policy.refreshUnauthorized,
        refreshAttemptsLimit: policy.refreshAttemptsPerGeneration,
      },
    },
  )
  // Attached before the start, so that a fault of ours reaches those who wait instead of ending the process.
  actor.subscribe({ error: options.onFault })
  actor.on('*', options.onEmitted)
  actor.start()

  return {
    send(event) {
      // One that was stopped, or ended on a fault, takes no more events, and says so on the console.
      if (actor.getSnapshot().status === 'active') actor.send(event)
    },
    context: () => actor.getSnapshot().context,
    snapshot: () => view(actor.getSnapshot()),
    subscribe: (listener) => actor.subscribe({ next: (snapshot) => listener(view(snapshot)), error: () => {} }),
    stop: () => void actor.stop(),
  }
}
