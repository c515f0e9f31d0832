import { createSandbox, type SandboxOptions, synchronousSigner, type TokenClaims } from '../../src/sandbox/index.ts'
import { virtualClock } from '../../src/virtual-clock.ts'

export const ORIGIN = 'https://sandbox.invalid'
export const CREDENTIALS = { username: 'demo', password: 'demo-password' }
export const HOUR_MS = 3_600_000

export interface Answer {
  status: number
  headers: Headers
  // Tests look into bodies of every shape.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  body: any
}

/** A sandbox on a virtual clock, with short ways to ask it. */
export function setUp(options: SandboxOptions = {}) {
  const clock = virtualClock()
  const sandbox = createSandbox({ clock, signer: synchronousSigner, throttle: false, ...options })

  const send = async (path: string, init: RequestInit = {}): Promise<Answer> => {
    const response = await sandbox.fetch(ORIGIN + path, init)
    const text = await response.text()
    let body: unknown = text
    try {
      body = JSON.parse(text)
    } catch {}
    return { status: response.status, headers: response.headers, body }
  }
  const post = (path: string, body: unknown, init: RequestInit = {}) =>
    send(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body), ...init })
  const get = (path: string, token?: string, init: RequestInit = {}) =>
    send(path, { ...(token === undefined ? {} : { headers: { Authorization: `Bearer ${token}` } }), ...init })

  return {
    clock,
    sandbox,
    send,
    post,
    get,
    create: (init?: RequestInit) => post('/api/v2/token/', CREDENTIALS, init),
    refresh: (refresh: unknown, init?: RequestInit) => post('/api/v2/token/refresh/', { refresh }, init),
    validate: (token: unknown) => post('/api/v2/token/validate/', { token }),
    whoAmI: (token?: string, init?: RequestInit) => get('/api/v2/whoami/', token, init),
  }
}

/** The claims of a token, unverified. */
export function claimsOf(token: string): TokenClaims {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
}
