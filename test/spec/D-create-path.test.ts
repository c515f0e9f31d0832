import { describe, expect, it } from 'vitest'
import { AuthError, createAuthClient } from '../../src/index.ts'
import { recorder } from '../support/doubles.ts'
import { BASE_URL, createWorld, PASSWORD, USERNAME } from '../support/world.ts'

describe('D-create-path', () => {
  it('signs in at /api/v2/token/ by default', async () => {
    const { auth, now, log } = createWorld()
    await now(auth.getAccessToken())
    expect(log()).toMatchObject([{ method: 'POST', path: '/api/v2/token/', status: 200 }])
  })

  it.each(['/api/v2/token/create', '/api/v2/token/create/', '/api/v2/token'])(
    'signs in at %s exactly',
    async (create) => {
      const { auth, now, log } = createWorld({ policy: { paths: { create } } })
      await now(auth.getAccessToken())
      expect(log().map(({ path }) => path)).toEqual([create])
    },
  )

  it('takes a path of its own for each token request, and keeps its slashes', async () => {
    const paths = { create: '/api/v2/token', refresh: '/api/v2/token/refresh', validate: '/api/v2/token/validate' }
    const { auth, now, log } = createWorld({ policy: { paths } })
    await now(auth.getAccessToken())
    await now(auth.getAccessToken({ forceRefresh: true }))
    await now(auth.validate())
    expect(log().map(({ path }) => path)).toEqual([paths.create, paths.refresh, paths.validate])
  })

  it('leaves the other paths as they are when one is configured', async () => {
    const { auth, now, log } = createWorld({ policy: { paths: { create: '/api/v2/token/create' } } })
    await now(auth.getAccessToken())
    await now(auth.getAccessToken({ forceRefresh: true }))
    expect(log('refresh')).toMatchObject([{ path: '/api/v2/token/refresh/' }])
  })

  it('puts the path below the path of the base', async () => {
    const { sent, transport } = recorder()
    const { auth, clock } = createWorld({ transport, client: { baseURL: `${BASE_URL}/gateway/` } })
    auth.getAccessToken().catch(() => {})
    await clock.settle()
    expect(sent.map(({ url }) => url)).toEqual([`${BASE_URL}/gateway/api/v2/token/`])
  })

  it.each(['api/v2/token/', '//evil.test/', '/token?x=1', 'https://evil.test/'])('refuses the path %s', (create) => {
    const options = { credentials: { username: USERNAME, password: PASSWORD }, policy: { paths: { create } } }
    const refused = () => createAuthClient(options)
    expect(refused).toThrow(AuthError)
    expect(refused).toThrow(/create/)
  })
})
