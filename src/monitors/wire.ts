import { monitor } from './monitor.ts'

/** Every API request carries the access token. Basic is a clause of its own. */
export const bearerOnEveryRequest = monitor<null>({
  id: 'bearer-on-every-request',
  ids: ['bearer-on-every-request'],
  title: 'every API request carries a Bearer token',
  needs: [],
  initial: null,
  step(_, moment, report) {
    if (moment.kind !== 'sent' || moment.request.endpoint !== 'api') return null
    const { authScheme, method, path } = moment.request
    if (authScheme !== 'Bearer' && authScheme !== 'Basic')
      report(`${method} ${path} was sent with ${authScheme === 'none' ? 'no' : 'another scheme of'} authentication`)
    return null
  },
})

export const noBasicAuth = monitor<null>({
  id: 'no-basic-auth',
  ids: ['no-basic-auth'],
  title: 'no request uses Basic authentication',
  needs: [],
  initial: null,
  step(_, moment, report) {
    if (moment.kind === 'sent' && moment.request.authScheme === 'Basic')
      report(`${moment.request.method} ${moment.request.path} was sent with Basic authentication`)
    return null
  },
})

export const noApiV1 = monitor<null>({
  id: 'no-api-v1',
  ids: ['no-api-v1'],
  title: 'no request goes to /api/v1/',
  needs: [],
  initial: null,
  step(_, moment, report) {
    if (moment.kind === 'sent' && /^\/+api\/+v1(\/|$)/.test(moment.request.path))
      report(`${moment.request.method} ${moment.request.path} was sent`)
    return null
  },
})
