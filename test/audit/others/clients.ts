import { OAuth2Client, OAuth2Fetch } from '@badgateway/oauth2-client'
import axios, { type InternalAxiosRequestConfig } from 'axios'
import { createAuthRefresh } from 'axios-auth-refresh'
import { OAuth2Client as GoogleClient } from 'google-auth-library'
import type { Clock } from '../../../src/clock.ts'
import { createAuthClient } from '../../../src/index.ts'

const CREATE = '/api/v2/token/'
export const REFRESH = '/api/v2/token/refresh/'
export const RESOURCE = '/api/v2/whoami/'

export interface Setting {
  readonly baseURL: string
  readonly credentials: { readonly username: string; readonly password: string }
  /** Time at the server. The clients of others go by the system's: they are told nothing. */
  readonly clock: Clock
}

/** A client in the hands of an application. */
export interface Client {
  /** One call of the API; rejects or not as the client does. */
  call(): Promise<unknown>
  close?(): Promise<void>
}

export type Start = (setting: Setting) => Client

interface Pair {
  access: string
  refresh: string
}

/**
 * Axios with the interceptor that most tutorials have: mark the request, refresh, keep both tokens, send it again. Signs in
 * before the first call, as an application's form would.
 */
export const tutorial: Start = ({ baseURL, credentials }) => {
  const api = axios.create({ baseURL })
  let held: Pair | undefined
  api.interceptors.request.use((config) => {
    config.headers.Authorization = `Bearer ${held?.access}`
    return config
  })
  api.interceptors.response.use(undefined, async (error) => {
    const original = error.config as InternalAxiosRequestConfig & { _retry?: boolean }
    if (error.response?.status !== 401 || original._retry) throw error
    original._retry = true
    const { data } = await axios.post(`${baseURL}${REFRESH}`, { refresh: held?.refresh })
    held = data as Pair
    return api(original)
  })
  return {
    async call() {
      held ??= (await axios.post(`${baseURL}${CREATE}`, credentials)).data as Pair
      return api.get(RESOURCE)
    },
  }
}

/** Axios with axios-auth-refresh, as its README has it. */
export const authRefresh: Start = ({ baseURL, credentials }) => {
  const api = axios.create({ baseURL })
  let held: Pair | undefined
  api.interceptors.request.use((config) => {
    config.headers.Authorization = `Bearer ${held?.access}`
    return config
  })
  // Its types are of axios for CommonJS, which TypeScript holds for another one.
  createAuthRefresh(api as never, async (failed) => {
    const { data } = await axios.post(`${baseURL}${REFRESH}`, { refresh: held?.refresh })
    held = data as Pair
    failed.response.config.headers.Authorization = `Bearer ${held.access}`
  })
  return {
    async call() {
      held ??= (await axios.post(`${baseURL}${CREATE}`, credentials)).data as Pair
      return api.get(RESOURCE)
    },
  }
}

/** A script that signs in for each call. */
export const signsInEachTime: Start = ({ baseURL, credentials }) => ({
  async call() {
    const { data } = await axios.post(`${baseURL}${CREATE}`, credentials)
    return axios.get(`${baseURL}${RESOURCE}`, { headers: { Authorization: `Bearer ${data.access}` } })
  },
})

/** OAuth2 asks one endpoint with a form, and SimpleJWT two with JSON: a `fetch` between them, which both libraries take. */
const simpleJwtFetch =
  (baseURL: string): typeof fetch =>
  async (input, init) => {
    const request = new Request(input, init)
    if (!request.headers.get('content-type')?.startsWith('application/x-www-form-urlencoded')) return fetch(request)
    const form = new URLSearchParams(await request.text())
    const [path, body] =
      form.get('grant_type') === 'refresh_token'
        ? [REFRESH, { refresh: form.get('refresh_token') }]
        : [CREATE, { username: form.get('username'), password: form.get('password') }]
    const headers = { 'Content-Type': 'application/json' }
    const answer = await fetch(`${baseURL}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
    if (!answer.ok) return answer
    const { access, refresh, access_expiry_seconds } = await answer.json()
    return Response.json({ access_token: access, refresh_token: refresh, expires_in: access_expiry_seconds })
  }

/** The fetch wrapper of @badgateway/oauth2-client with the password grant, as its README has it. */
export const oauth2Client: Start = ({ baseURL, credentials }) => {
  const client = new OAuth2Client({
    ...{ server: baseURL, clientId: 'test', tokenEndpoint: CREATE, fetch: simpleJwtFetch(baseURL) },
  })
  const wrapper = new OAuth2Fetch({
    client,
    getNewToken: () => client.password(credentials),
    // Its timer has no end, and would hold the tests open.
    scheduleRefresh: false,
  })
  return { call: () => wrapper.fetch(`${baseURL}${RESOURCE}`) }
}

/** Google's client has no password grant: the application signs in and hands it the pair, as one does with a stored one. */
export const google: Start = ({ baseURL, credentials, clock }) => {
  const client = new GoogleClient({
    clientId: 'test',
    endpoints: { oauth2TokenUrl: `${baseURL}${CREATE}` },
    transporterOptions: { fetchImplementation: simpleJwtFetch(baseURL) },
    forceRefreshOnFailure: true,
  })
  return {
    async call() {
      if (client.credentials.refresh_token === undefined || client.credentials.refresh_token === null) {
        const { data } = await axios.post(`${baseURL}${CREATE}`, credentials)
        const expiry_date = clock.now() + data.access_expiry_seconds * 1000
        client.setCredentials({ access_token: data.access, refresh_token: data.refresh, expiry_date })
      }
      return client.request({ url: `${baseURL}${RESOURCE}` })
    },
  }
}

/** This project's. */
export const ours: Start = (setting) => {
  const auth = createAuthClient(setting)
  return { call: () => auth.fetch(RESOURCE), close: () => auth.close() }
}
