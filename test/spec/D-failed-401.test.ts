import { describe, expect, it } from 'vitest'
import type { CallFault } from '../../src/sandbox/index.ts'
import { createWorld, MINUTE, WHO_AM_I } from '../support/world.ts'

describe('D-failed-401', () => {
  it.each<[string, CallFault[], object]>([
    ['502', [{ endpoint: 'refresh', status: 502 }], { code: 'UNAVAILABLE' }],
    ['nothing', [{ endpoint: 'refresh', drop: 'before' }], { code: 'UNAVAILABLE' }],
    ['401', [{ endpoint: 'refresh', status: 401 }], { code: 'REFRESH_UNAUTHORIZED', clause: 'D-refresh-401' }],
    ['429', [{ endpoint: 'refresh', status: 429 }], { code: 'THROTTLED', clause: 'pause-after-429' }],
    [
      '400, and the sign-in with 401',
      [
        { endpoint: 'refresh', status: 400 },
        { endpoint: 'create', status: 401 },
      ],
      { code: 'INVALID_CREDENTIALS', clause: 'no-retry-on-invalid-credentials' },
    ],
    [
      '400, and the sign-in with 403',
      [
        { endpoint: 'refresh', status: 400 },
        { endpoint: 'create', status: 403 },
      ],
      { code: 'SIGN_IN_REJECTED', clause: 'D-create-4xx' },
    ],
  ])('tells the reason, with the 401 as status, when the refresh is answered %s', async (_, faults, expected) => {
    const { auth, clock, log, now, refused, sandbox } = createWorld()
    await now(auth.getAccessToken())
    await clock.advance(2 * MINUTE)
    for (const fault of [{ endpoint: 'api', status: 401 } as const, ...faults]) sandbox.fail(fault)
    expect(await refused(auth.fetchLike(WHO_AM_I))).toMatchObject({ ...expected, status: 401 })
    expect(log('api')).toHaveLength(1)
  })

  it('tells when another try can succeed', async () => {
    const { auth, clock, now, refused, sandbox } = createWorld()
    await now(auth.getAccessToken())
    await clock.advance(2 * MINUTE)
    sandbox.fail({ endpoint: 'api', status: 401 })
    sandbox.fail({ endpoint: 'refresh', status: 429 })
    expect(await refused(auth.fetchLike(WHO_AM_I))).toMatchObject({ retryAtMs: clock.now() + 10 * MINUTE })
  })

  it('throws the same through auth.fetch, not wrapped by it', async () => {
    const { auth, clock, now, refused, sandbox } = createWorld()
    await now(auth.getAccessToken())
    await clock.advance(2 * MINUTE)
    sandbox.fail({ endpoint: 'api', status: 401 })
    sandbox.fail({ endpoint: 'refresh', status: 502 })
    expect(await refused(auth.fetch(WHO_AM_I))).toMatchObject({ name: 'AuthError', code: 'UNAVAILABLE', status: 401 })
  })

  it('has a 403 of an API that refuses tokens so as its status', async () => {
    const { auth, clock, now, refused, sandbox } = createWorld({ sandbox: { forbidden403: true } })
    await now(auth.getAccessToken())
    await clock.advance(2 * MINUTE)
    sandbox.revokeAll('access')
    sandbox.fail({ endpoint: 'refresh', status: 502 })
    expect(await refused(auth.fetchLike(WHO_AM_I))).toMatchObject({ code: 'UNAVAILABLE', status: 403 })
  })
})
