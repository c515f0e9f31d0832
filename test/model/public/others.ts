import type { AuthClient } from '../../../src/index.ts'
import type { CallFault, Endpoint } from '../../../src/sandbox/index.ts'
import type { Answer, OtherDeed } from './acts.ts'

/** What the sandbox is told to do to the next request. */
export function effectOf(answer: Answer): Pick<CallFault, 'status' | 'garble' | 'drop'> | undefined {
  if (answer === 200) return undefined
  if (answer === 'unusable') return { garble: 'text' }
  return answer === 'lost' ? { drop: 'after' } : { status: answer }
}

export interface OtherOptions {
  /** Another client of the account, whose requests nobody holds back. */
  readonly client: AuthClient
  readonly plan: (endpoint: Endpoint, answer: Answer) => void
  readonly demanded: () => void
  readonly operated: (action: 'reset' | 'signOut') => void
}

/** Another process on the same store does something from beginning to end. */
export async function doAsOther(does: OtherDeed, { client, plan, demanded, operated }: OtherOptions): Promise<void> {
  const { getAccessToken, reset, signOut, status, validate } = client
  const token = async (options: { forceRefresh?: boolean } = {}) => {
    demanded()
    await getAccessToken(options).catch(() => {})
  }
  switch (does) {
    case 'signsIn':
      return token()
    case 'refreshes':
      return token({ forceRefresh: true })
    case 'resets':
      operated('reset')
      return reset()
    case 'signsOut':
      operated('signOut')
      return signOut()
    case 'isThrottled': {
      const { usable } = status()
      plan(usable ? 'validate' : 'create', 429)
      return usable ? void (await validate().catch(() => {})) : token()
    }
    case 'isUnauthorized':
      plan('create', 401)
      return token()
    case 'fails':
      plan('create', 503)
      return token()
    default:
      return does satisfies never
  }
}
