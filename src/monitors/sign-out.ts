import { monitor } from './monitor.ts'

/** After a sign-out nothing goes out that needs a token. A trace of one client: the others hear of it a little later. */
export const nothingAfterSignOut = monitor<{ signedOut: boolean }>({
  id: 'D-sign-out',
  ids: ['D-sign-out'],
  title: 'after a sign-out nothing is sent until somebody signs in',
  needs: ['signOuts'],
  initial: { signedOut: false },
  step(state, moment, report) {
    if (moment.kind === 'operator')
      return moment.action === 'reset' ? state : { signedOut: moment.action === 'signOut' }
    if (!state.signedOut || moment.kind !== 'sent') return state
    const { endpoint, path, authScheme } = moment.request
    if (endpoint !== 'api') report(`a ${endpoint} was sent after the sign-out`)
    else if (authScheme !== 'none') report(`an API request to ${path} carried a token after the sign-out`)
    return state
  },
})
