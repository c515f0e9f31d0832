import { describe, expect, it } from 'vitest'
import { createWorld, MINUTE, SECOND } from '../support/world.ts'

const NOW_MS = Date.UTC(2026, 0, 5, 8)
const dateIn = (ms: number) => new Date(NOW_MS + ms).toUTCString()

describe('D-pause-length', () => {
  it.each<[string, Record<string, string>, number]>([
    ['no Retry-After', {}, 10],
    ['a shorter Retry-After', { 'retry-after': '60' }, 10],
    ['a longer Retry-After', { 'retry-after': '1200' }, 20],
    ['a Retry-After date that is later', { 'retry-after': dateIn(15 * MINUTE) }, 15],
    ['a Retry-After date that is earlier', { 'retry-after': dateIn(MINUTE) }, 10],
    ['a Retry-After date in the past', { 'retry-after': dateIn(-MINUTE) }, 10],
    ['an unreadable Retry-After', { 'retry-after': 'soon' }, 10],
    ['a negative Retry-After', { 'retry-after': '-5' }, 10],
    ['RateLimit fields', { ratelimit: '"default";r=0;t=5', 'ratelimit-reset': '5', 'x-ratelimit-reset': '5' }, 10],
    ['RateLimit fields and a longer Retry-After', { 'ratelimit-reset': '5', 'retry-after': '1200' }, 20],
  ])('pauses by the longer of 10 min and Retry-After: %s', async (_, headers, minutes) => {
    const { auth, clock, log, now, refused, sandbox } = createWorld()
    sandbox.fail({ endpoint: 'create', status: 429, headers })
    const { code, retryAtMs } = await refused(auth.getAccessToken())
    expect({ code, leftMs: (retryAtMs ?? 0) - clock.now() }).toEqual({ code: 'THROTTLED', leftMs: minutes * MINUTE })
    await clock.advance(minutes * MINUTE - 1)
    await refused(auth.getAccessToken())
    expect(log()).toHaveLength(1)
    await clock.advance(1)
    await now(auth.getAccessToken())
    expect(log()).toHaveLength(2)
  })

  it('counts from receipt', async () => {
    const { auth, clock, refused, sandbox } = createWorld()
    const sentMs = clock.now()
    sandbox.fail({ endpoint: 'create', status: 429, latencyMs: 2 * SECOND, replyLatencyMs: 3 * SECOND })
    const { retryAtMs } = await refused(auth.getAccessToken(), 5 * SECOND)
    expect(retryAtMs).toBe(sentMs + 5 * SECOND + 10 * MINUTE)
  })

  it('measures a Retry-After date by the clock of the server', async () => {
    const { auth, clock, refused, sandbox } = createWorld({ sandbox: { skewMs: 3 * MINUTE } })
    sandbox.fail({ endpoint: 'create', status: 429, headers: { 'retry-after': dateIn(18 * MINUTE) } })
    expect((await refused(auth.getAccessToken())).retryAtMs).toBe(clock.now() + 15 * MINUTE)
  })

  it('takes no shorter pause for a longer one that runs', async () => {
    const { auth, clock, now, refused, sandbox } = createWorld()
    await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'validate', status: 429, headers: { 'retry-after': '1800' }, replyLatencyMs: SECOND })
    sandbox.fail({ endpoint: 'refresh', status: 429, replyLatencyMs: 2 * SECOND })
    const validated = auth.validate()
    const forced = auth.getAccessToken({ forceRefresh: true })
    for (const each of [validated, forced]) each.catch(() => {})
    await clock.advance(5 * SECOND)
    const { retryAtMs = 0 } = await refused(auth.validate())
    expect(retryAtMs - clock.now()).toBe(30 * MINUTE - 4 * SECOND)
  })
})
