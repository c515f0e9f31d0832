import { describe, expect, it } from 'vitest'
import { createWorld, HOUR, SECOND } from '../support/world.ts'

describe('D-time-outs', () => {
  it.each(['create', 'refresh'] as const)('gives a %s 30 s', async (endpoint) => {
    const { auth, clock, log, now, peek, refused, sandbox } = createWorld()
    if (endpoint === 'refresh') await now(auth.getAccessToken())
    sandbox.fail({ endpoint, hang: 'before' })
    const token = auth.getAccessToken({ forceRefresh: true })
    token.catch(() => {})
    await clock.advance(30 * SECOND - 1)
    expect(await peek(token)).toBeUndefined()
    expect(await refused(token, 1)).toMatchObject({ code: 'UNAVAILABLE' })
    expect(log(endpoint)).toMatchObject([{ status: 'dropped' }])
  })

  it('gives a validate 30 s', async () => {
    const { auth, clock, now, peek, refused, sandbox } = createWorld()
    await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'validate', hang: 'before' })
    const validated = auth.validate()
    validated.catch(() => {})
    await clock.advance(30 * SECOND - 1)
    expect(await peek(validated)).toBeUndefined()
    expect(await refused(validated, 1)).toMatchObject({ code: 'UNAVAILABLE', clause: 'D-validate' })
  })

  it('gives a caller 90 s', async () => {
    const { auth, clock, peek, refused, sandbox } = createWorld({ policy: { tokenRequestTimeoutMs: HOUR } })
    sandbox.fail({ endpoint: 'create', hang: 'before' })
    const token = auth.getAccessToken()
    token.catch(() => {})
    await clock.advance(90 * SECOND - 1)
    expect(await peek(token)).toBeUndefined()
    expect(await refused(token, 1)).toMatchObject({ code: 'TIMEOUT', clause: 'D-time-outs' })
  })

  it('gives a caller the time it asks for, and leaves the request to the others', async () => {
    const { auth, now, peek, refused, sandbox, tokenRequests, within } = createWorld()
    sandbox.fail({ endpoint: 'create', latencyMs: 10 * SECOND })
    const short = auth.getAccessToken({ timeoutMs: 5 * SECOND })
    const long = auth.getAccessToken()
    short.catch(() => {})
    expect(await refused(short, 5 * SECOND)).toMatchObject({ code: 'TIMEOUT' })
    expect(await peek(long)).toBeUndefined()
    expect(await within(5 * SECOND, long)).toBe(await now(auth.getAccessToken()))
    expect(tokenRequests()).toBe('create 200')
  })

  it('goes on with the request in flight when the last caller timed out', async () => {
    const { auth, clock, now, refused, sandbox, tokenRequests } = createWorld()
    sandbox.fail({ endpoint: 'create', latencyMs: 10 * SECOND })
    await refused(auth.getAccessToken({ timeoutMs: SECOND }), SECOND)
    await clock.advance(10 * SECOND)
    await now(auth.getAccessToken())
    expect(tokenRequests()).toBe('create 200')
  })

  it('gives a token that still works to one whose time is up', async () => {
    const { auth, clock, now, sandbox, within } = createWorld({ policy: { proactive: 'onDemand' } })
    const token = await now(auth.getAccessToken())
    await clock.advance(50 * 60 * SECOND)
    sandbox.fail({ endpoint: 'refresh', latencyMs: 10 * SECOND })
    expect(await within(5 * SECOND, auth.getAccessToken({ timeoutMs: 5 * SECOND }))).toBe(token)
  })

  it('times an API request out by nothing but the signal of its caller', async () => {
    const { auth, clock, now, peek, sandbox } = createWorld()
    await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'api', latencyMs: 5 * 60 * SECOND })
    const answer = auth.fetchLike('/api/v2/whoami/')
    await clock.advance(4 * 60 * SECOND)
    expect(await peek(answer)).toBeUndefined()
    await clock.advance(60 * SECOND)
    expect((await now(answer)).status).toBe(200)
  })
})
