import { type Clock, systemClock } from '../../../src/clock.ts'
import { createSandbox, type Sandbox } from '../../../src/sandbox/index.ts'
import { type Client, REFRESH, RESOURCE, type Start } from './clients.ts'
import { type Recorder, record } from './recorder.ts'

const MINUTE_MS = 60_000

interface StageClock extends Clock {
  /** So much time has passed, and no timer was due in it. */
  pass(forMs: number): void
  /** The machine was suspended for so long: its monotonic clock stood still. */
  suspend(forMs: number): void
}

/** The system's clock, set forward where a scenario says so. */
function stageClock(): StageClock {
  const system = systemClock()
  const listeners = new Set<() => void>()
  let aheadMs = 0
  let passedMs = 0
  return {
    ...system,
    now: () => system.now() + aheadMs,
    monotonic: () => system.monotonic() + passedMs,
    onWake(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    pass(forMs) {
      aheadMs += forMs
      passedMs += forMs
    },
    suspend(forMs) {
      aheadMs += forMs
      for (const listener of [...listeners]) listener()
    },
  }
}

interface Stage {
  readonly client: Client
  readonly sandbox: Sandbox
  readonly recorder: Recorder
  readonly clock: StageClock
}

/** Calls one after the other, each whether the one before it failed or not: somebody presses the button again. */
async function calls({ client }: Stage, count: number): Promise<void> {
  for (let n = 0; n < count; n++) await client.call().catch(() => {})
}

async function atOnce({ client, recorder }: Stage, count: number): Promise<void> {
  recorder.together(count, RESOURCE)
  await Promise.allSettled(Array.from({ length: count }, () => client.call()))
}

/** What happens to a client. The server is the sandbox as it comes, throttle and all. */
export const SCENARIOS = {
  'five calls, one after the other': (stage: Stage) => calls(stage, 5),
  /** Half an hour in, so that the token is not young and nobody's timer is due. */
  'the token is revoked, and five call together': async (stage: Stage) => {
    await calls(stage, 1)
    stage.clock.pass(30 * MINUTE_MS)
    stage.sandbox.revokeAll('access')
    await atOnce(stage, 5)
  },
  'the machine is suspended past the expiry, and five call together': async (stage: Stage) => {
    await calls(stage, 1)
    stage.clock.suspend(61 * MINUTE_MS)
    await atOnce(stage, 5)
  },
  'the token is revoked twice': async (stage: Stage) => {
    await calls(stage, 1)
    for (let times = 0; times < 2; times++) {
      stage.clock.pass(30 * MINUTE_MS)
      stage.sandbox.revokeAll('access')
      await calls(stage, 1)
    }
  },
  'the refresh is answered 429, and two more call': async (stage: Stage) => {
    await calls(stage, 1)
    stage.clock.pass(30 * MINUTE_MS)
    stage.sandbox.revokeAll('access')
    stage.sandbox.fail({ endpoint: 'refresh', status: 429 })
    await calls(stage, 3)
  },
  'the password is wrong, and two call': async (stage: Stage) => {
    stage.sandbox.setPassword('demo', 'another')
    await calls(stage, 2)
  },
} satisfies Record<string, (stage: Stage) => Promise<void>>

export type Scenario = keyof typeof SCENARIOS

/**
 * Plays a scenario with a client and gives the HAR.
 *
 * @param refreshesTogether so many refreshes are in flight at once, however fast the machine is
 */
export async function play(scenario: Scenario, start: Start, refreshesTogether = 0): Promise<string> {
  const clock = stageClock()
  const sandbox = createSandbox({ clock, latencyMs: 10, replyLatencyMs: 10 })
  const listening = await sandbox.listen()
  const recorder = await record(listening.url, clock)
  if (refreshesTogether > 0) recorder.together(refreshesTogether, REFRESH)
  const credentials = { username: 'demo', password: 'demo-password' }
  const client = start({ baseURL: recorder.url, credentials, clock })
  try {
    await SCENARIOS[scenario]({ client, sandbox, recorder, clock })
    return recorder.har()
  } finally {
    await client.close?.()
    await recorder.close()
    await listening.close()
  }
}
