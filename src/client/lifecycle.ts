import { createActor, fromPromise, type InspectionEvent, type SnapshotFrom } from 'xstate'
import { tokenLifecycle } from '../../machines/token-lifecycle.ts'
import type { Clock } from '../clock.ts'
import type { LifecycleEmitted, LifecycleEvent } from '../policy/events.ts'
import type { Situation } from '../policy/facts.ts'
import type { Policy } from '../policy/schema.ts'
import type { Protocol } from './protocol.ts'
import type { LifecycleSnapshot } from './snapshot.ts'

/** A step of the chart, as the inspector sees it. */
export interface Step {
  readonly region: 'tokens' | 'gate'
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
  /** Whether it still takes events: neither stopped nor ended on a fault. */
  running(): boolean
  stop(): void
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
      region,
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
  const running = () => actor.getSnapshot().status === 'active'

  return {
    send(event) {
      // XState complains on the console where nobody listens any more.
      if (running()) actor.send(event)
    },
    context: () => actor.getSnapshot().context,
    snapshot: () => view(actor.getSnapshot()),
    subscribe: (listener) => actor.subscribe({ next: (snapshot) => listener(view(snapshot)), error: () => {} }),
    running,
    stop: () => void actor.stop(),
  }
}
