import { describe, expect, it } from 'vitest'
import { createAuthClient } from '../../src/index.ts'
import { recorder } from '../support/doubles.ts'
import { BASE_URL, createWorld, PASSWORD, USERNAME, WHO_AM_I } from '../support/world.ts'

const REFUSED = { code: 'ORIGIN_REFUSED', clause: 'D-origin' }
const redirectTo = (to: string, hops = 1, status = 302) =>
  `/api/v2/redirect/?${new URLSearchParams({ to, hops: String(hops), status: String(status) })}`

describe('D-origin', () => {
  it.each([
    'https://evil.test/api/v2/whoami/',
    'https://sandbox.test@evil.test/',
    'https://sandbox.test.evil.test/',
    'https://sandbox.test:8443/api/v2/whoami/',
    'http://sandbox.test/api/v2/whoami/',
    'https:\\\\evil.test/',
  ])('refuses %s before sending', async (url) => {
    const { sent, transport } = recorder()
    const { auth, refused } = createWorld({ transport })
    expect(await refused(auth.fetchLike(url))).toMatchObject(REFUSED)
    expect(await refused(auth.fetch(url))).toMatchObject(REFUSED)
    expect(sent).toEqual([])
  })

  it.each(['//evil.test/api/v2/whoami/', '/\\evil.test/'])('does not let %s name another host', async (url) => {
    const { sent, transport } = recorder()
    const { auth, peek, refused } = createWorld({ transport })
    expect(await refused(auth.fetchLike(url))).toMatchObject(REFUSED)
    // ofetch puts every path below the base.
    await peek(auth.fetch(url))
    expect(sent.filter((request) => new URL(request.url).origin !== BASE_URL)).toEqual([])
  })

  it('refuses a Request to another origin, and a baseURL of one call', async () => {
    const { auth, log, refused } = createWorld()
    expect(await refused(auth.fetchLike(new Request('https://evil.test/')))).toMatchObject(REFUSED)
    expect(await refused(auth.fetch('/x', { baseURL: 'https://evil.test' }))).toMatchObject(REFUSED)
    expect(log()).toEqual([])
  })

  it('sends the token to an absolute URL of the configured origin', async () => {
    const { auth, log, now } = createWorld()
    expect((await now(auth.fetchLike(`${BASE_URL}${WHO_AM_I}`))).status).toBe(200)
    expect((await now(auth.fetchLike(new URL(WHO_AM_I, BASE_URL)))).status).toBe(200)
    expect(log('api').map(({ authScheme }) => authScheme)).toEqual(['Bearer', 'Bearer'])
  })

  it.each([
    'http://sandbox.test',
    'http://10.0.0.1',
    'http://localhost.evil.test',
    'ftp://sandbox.test',
    'http://0.0.0.0',
  ])('refuses the base %s: https, unless the host is loopback', (baseURL) => {
    const create = () => createAuthClient({ baseURL, credentials: { username: USERNAME, password: PASSWORD } })
    expect(create).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining('baseURL') }),
    )
  })

  it.each(['http://localhost:8080', 'http://127.0.0.1:1', 'http://127.1.2.3', 'http://[::1]:8080'])(
    'takes %s',
    async (baseURL) => {
      const { auth, now } = createWorld({ client: { baseURL } })
      expect((await now(auth.fetchLike(WHO_AM_I))).status).toBe(200)
    },
  )

  it('follows five redirects within the origin', async () => {
    const { auth, log, now } = createWorld()
    expect((await now(auth.fetchLike(redirectTo(WHO_AM_I, 5)))).status).toBe(200)
    expect(log('api').map(({ status }) => status)).toEqual([302, 302, 302, 302, 302, 200])
    expect(log('api').every(({ authScheme }) => authScheme === 'Bearer')).toBe(true)
  })

  it('refuses the sixth redirect', async () => {
    const { auth, log, refused } = createWorld()
    expect(await refused(auth.fetchLike(redirectTo(WHO_AM_I, 6)))).toMatchObject(REFUSED)
    expect(log('api')).toHaveLength(6)
  })

  it.each([301, 302, 303, 307, 308])('refuses a %d to another origin', async (status) => {
    const { sent, transport } = recorder()
    const { auth, refused } = createWorld({ transport })
    expect(await refused(auth.fetchLike(redirectTo('https://evil.test/', 1, status)))).toMatchObject({
      ...REFUSED,
      status,
    })
    expect(sent.filter(({ url }) => !url.startsWith(BASE_URL))).toEqual([])
  })

  it('refuses a redirect to http', async () => {
    const { auth, refused } = createWorld()
    expect(await refused(auth.fetchLike(redirectTo(`http://sandbox.test${WHO_AM_I}`)))).toMatchObject(REFUSED)
  })

  it('does not carry the password to where a token endpoint redirects', async () => {
    const { sent, transport } = recorder()
    const { auth, refused, sandbox } = createWorld({ transport })
    sandbox.fail({ endpoint: 'create', status: 307, headers: { location: 'https://evil.test/token/' } })
    expect(await refused(auth.getAccessToken())).toMatchObject({ code: 'UNAVAILABLE' })
    expect(sent.map(({ url }) => url)).toEqual([`${BASE_URL}/api/v2/token/`])
  })
})
