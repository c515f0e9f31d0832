import { memoryStore, type TokenStore } from '../../src/index.ts'
import type { SandboxModes } from '../../src/sandbox/index.ts'
import { createService, type Service } from '../../src/sandbox/sandbox.ts'
import { type VirtualClock, virtualClock } from '../../src/testing.ts'
import { createJudge, type Judge } from './judge.ts'
import { createKnownTokens, type KnownTokens } from './known-tokens.ts'
import { PASSWORD, USERNAME } from './limits.ts'
import { createMachine, type Machine } from './machine.ts'
import type { Source, WorldOptions } from './options.ts'
import { createRandom, type Random } from './random.ts'
import { watchServer } from './server-view.ts'
import { settling } from './settling.ts'
import { rememberingSigner } from './signer.ts'
import { createTrace, type Trace } from './trace.ts'
import { DAY, HOUR, SECOND } from './units.ts'

/** What changes while a world lives. */
export interface State {
  /** What the server takes for right. */
  password: string
  /** How often it was changed. */
  passwords: number
  storeDown: boolean
  /** How old a token has to be before the API knows it, ms. */
  lagMs: number
  /** Faults are off: whoever asks now must be served soon. */
  calm: boolean
  closing: boolean
  /** Somebody forced a refresh, or signed in. */
  forcedAtMs: number
  /** API requests that are to be sent still: what nobody could do, or was refused before it was sent, is done later. */
  owed: number
}

/** One world, as it was drawn: a server, a store, two machines, and whoever watches. */
export interface Setting {
  readonly options: WorldOptions
  readonly root: Random
  readonly clock: VirtualClock
  readonly startMs: number
  readonly trace: Trace
  readonly shape: Random
  readonly flavour: 'plain' | 'slow' | 'faulty'
  /** How much rarer trouble is than in a bad month: ordinary life has to be lived too. */
  readonly rarity: number
  readonly slotCount: number
  readonly proactive: 'timer' | 'onDemand'
  readonly refreshUnauthorized: 'fail' | 'recreate'
  readonly machines: readonly [Machine, Machine]
  /** What the server takes for its answers when nothing is wrong. */
  readonly usual: Partial<SandboxModes>
  readonly sandbox: Service['sandbox']
  readonly serve: Service['serve']
  readonly memory: TokenStore
  readonly storeNowMs: () => number
  readonly state: State
  /** Whether this source of trouble may act now. */
  readonly on: (source: Source) => boolean
  readonly tokens: KnownTokens
  readonly judge: Judge
  readonly server: ReturnType<typeof watchServer>
  /** What was drawn, for the trace. */
  readonly drawn: string
}

export function createSetting(options: WorldOptions): Setting {
  const { seed, index } = options
  const without = new Set(options.without)
  const root = createRandom(`${seed}/${index}`)
  const shape = root.fork('shape')
  const clock = virtualClock({ pass: settling() })
  const startMs = clock.now()
  const trace = createTrace(clock)
  const flavour = shape.pick(['plain', 'plain', 'slow', 'faulty'] as const)
  const rarity = shape.pick([1, 1, 4, 8])
  const slotCount = options.clients ?? (flavour === 'faulty' ? 1 : shape.pick([1, 1, 2, 2, 3]))
  const machines = ['A', 'B'].map((name) =>
    createMachine(
      clock,
      name,
      shape.chance(0.5) ? 0 : Math.round(shape.between(-2 * HOUR, 2 * HOUR)),
      shape.chance(0.5) ? 0 : Math.round(shape.between(0, DAY) * 1024) / 1024,
    ),
  ) as [Machine, Machine]
  const proactive = shape.chance(0.75) ? 'timer' : 'onDemand'
  const refreshUnauthorized = shape.chance(0.75) ? 'fail' : 'recreate'
  const steady: Partial<SandboxModes> = {
    accessLifetimeS: shape.chance(0.1) ? 900 : 3600,
    skewMs: shape.pick([0, 0, -90 * SECOND, 40 * SECOND, 3 * HOUR]),
    names: shape.pick(['reference', 'reference', 'guide', 'new'] as const),
    omitExpirySeconds: shape.chance(0.3),
    validateReportsLifetime: shape.chance(0.5),
    copyRefreshIat: shape.chance(0.3),
    rotate: !shape.chance(0.15),
    blacklist: !shape.chance(0.15),
  }
  const usual = { latencyMs: shape.pick([0, 40]), replyLatencyMs: shape.pick([0, 60]) }
  if (without.has('latency')) Object.assign(usual, { latencyMs: 0, replyLatencyMs: 0 })
  const state: State = {
    password: `${PASSWORD}0`,
    passwords: 0,
    storeDown: false,
    lagMs: 0,
    calm: false,
    closing: false,
    forcedAtMs: Number.NEGATIVE_INFINITY,
    owed: 0,
  }
  const { sandbox, serve } = createService({
    clock,
    signer: rememberingSigner,
    users: [{ username: USERNAME, password: state.password }],
    logLimit: 1,
    ...steady,
    ...usual,
  })
  const memory = memoryStore({ clock })
  const storeNowMs = () => clock.now()
  const on = (source: Source) => !without.has(source) && !state.calm && !state.closing
  const tokens = createKnownTokens(clock, sandbox)
  const judge = createJudge(
    () => clock.now(),
    (id) => tokens.grants.get(id),
    (token) => tokens.lookAt(token).jti,
    () => state.forcedAtMs,
    ({ monitor, evidence, atMs }, sender) => trace.violate(monitor, `${evidence} (at ${atMs - startMs})`, sender?.name),
  )

  const server = watchServer({ clock, trace, sandbox })
  const drawn = { flavour, rarity, slotCount, proactive, refreshUnauthorized, ...steady, ...usual }
  return {
    ...{
      options,
      root,
      clock,
      startMs,
      trace,
      shape,
      flavour,
      rarity,
      slotCount,
      proactive,
      refreshUnauthorized,
      machines,
    },
    ...{ usual, sandbox, serve, memory, storeNowMs, state, on, tokens, judge, server },
    drawn: JSON.stringify(drawn),
  }
}
