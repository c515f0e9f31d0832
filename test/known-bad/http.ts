import type { Sandbox } from '../../src/sandbox/index.ts'
import { createSandbox, type SandboxOptions, synchronousSigner } from '../../src/sandbox/index.ts'
import { type VirtualClock, virtualClock } from '../../src/testing.ts'
import { createRecorder, REQUEST_ID, type Recorder } from './recorder.ts'

export const BASE_URL = 'https://sandbox.test'
export const SECOND = 1_000
export const MINUTE = 60_000
export const HOUR = 3_600_000

export interface Pair {
  readonly status: number
  readonly access: string
  readonly refresh: string
}

/** The requests of a client, in plain fetch. */
export interface Http {
  create(password?: string): Promise<Pair>
  refresh(token: string): Promise<Pair>
  validate(access: string): Promise<number>
  api(access: string, more?: { id?: string; url?: string; authorization?: string }): Promise<number>
}

/** A server, a recorder before it, and the time. */
export interface Bench {
  readonly clock: VirtualClock
  readonly sandbox: Sandbox
  readonly recorder: Recorder
  readonly http: Http
  /** Lets time pass. */
  wait(ms: number): Promise<void>
}

export function createBench(options: Omit<SandboxOptions, 'clock' | 'signer'> = {}): Bench {
  const clock = virtualClock()
  const sandbox = createSandbox({ ...options, clock, signer: synchronousSigner })
  const recorder = createRecorder(sandbox.fetch, clock, BASE_URL)
  const post = async (path: string, fields: object) => {
    const headers = { 'content-type': 'application/json' }
    return recorder.fetch(`${BASE_URL}${path}`, { method: 'POST', headers, body: JSON.stringify(fields) })
  }
  const pair = async (response: Response): Promise<Pair> => {
    const body = response.status === 200 ? await response.json() : { access: '', refresh: '' }
    return { status: response.status, ...body }
  }
  const http: Http = {
    create: async (password = 'demo-password') => pair(await post('/api/v2/token/', { username: 'demo', password })),
    refresh: async (token) => pair(await post('/api/v2/token/refresh/', { refresh: token })),
    validate: async (token) => (await post('/api/v2/token/validate/', { token })).status,
    async api(access, { id, url = `${BASE_URL}/api/v2/whoami/`, authorization = `Bearer ${access}` } = {}) {
      const headers = new Headers(id === undefined ? {} : { [REQUEST_ID]: id })
      if (authorization !== '') headers.set('authorization', authorization)
      return (await recorder.fetch(url, { headers })).status
    },
  }
  return { clock, sandbox, recorder, http, wait: (ms) => clock.advance(ms) }
}
