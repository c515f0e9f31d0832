import { STRANGERS, type Strangers } from './strangers.ts'

/** Traffic of one account at one origin. */
export interface Traffic {
  readonly account: string | undefined
  readonly origin: string | undefined
  /** There are token requests in it. */
  readonly asked: boolean
  /** Of requests that tell no account. */
  readonly strangers?: Pick<Strangers, 'areSeveral'> | undefined
}

/**
 * Why rules of an account cannot be said to hold: there are requests that tell no account, at origins where others do
 * or with the tokens of several.
 *
 * @returns a sentence for people; `undefined`: there are none
 */
export function whoseIsUnknown(traffic: readonly Traffic[]): string | undefined {
  const named = new Set(traffic.flatMap(({ account, origin }) => (account === undefined ? [] : [origin])))
  const unknown = traffic.filter(({ account, origin }) => account === undefined && named.has(origin))
  const [first, ...others] = unknown.flatMap(({ origin }) => origin ?? [])
  if (first === undefined) return traffic.some(({ strangers }) => strangers?.areSeveral()) ? STRANGERS : undefined
  const where = others.length === 0 ? first : `${first} and ${others.length} more`
  return `Some requests to ${where} tell no account and were judged apart from those that do: whose budget and pauses they count for is not known. Record from the sign-in on.`
}
