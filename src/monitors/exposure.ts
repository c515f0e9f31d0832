import { invariant, monitor } from './monitor.ts'
import type { ObservedSend } from './observed.ts'
import { brief } from './words.ts'

/** Invariant 12. Whoever looks through what is given out knows the secrets; here are their ids alone. */
export const nothingSecretShown = monitor<null>({
  ...invariant(12),
  needs: ['outputs'],
  ignoresApi: true,
  initial: null,
  step(_, moment, report) {
    if (moment.kind === 'shown')
      for (const id of moment.secretIds) report(`the secret ${brief(id)} could be read in ${moment.where}`)
    return null
  },
})

const isSecret = ({ endpoint, authScheme }: ObservedSend) => endpoint !== 'api' || authScheme !== 'none'

/** Without encryption, and to another machine. */
const isOpen = (origin: string) =>
  origin.startsWith('http:') && !/^http:\/\/(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/.test(origin)

/** Invariant 14. Credentials go where tokens go. */
export const configuredOriginOnly = monitor<null>({
  ...invariant(14),
  needs: ['origins'],
  initial: null,
  step(_, moment, report) {
    if (moment.kind !== 'sent' || !isSecret(moment.request)) return null
    const { endpoint, path, origin, configuredOrigin } = moment.request
    const what = endpoint === 'api' ? `an API request to ${path}` : `a ${endpoint}`
    if (origin === undefined) return null
    if (configuredOrigin !== undefined && origin !== configuredOrigin)
      report(`${what} went to ${origin}, not to ${configuredOrigin}`)
    else if (isOpen(origin)) report(`${what} went to ${origin} without encryption`)
    return null
  },
})
