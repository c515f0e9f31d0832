import type { PolicyOptions } from '../../../src/policy/schema.ts'
import type { SandboxModes } from '../../../src/sandbox/index.ts'
import type { Callback } from './held.ts'

/**
 * What users, operators, other processes and the world can do to a client: the words of which every path through the
 * public client is made, generated or written by hand. Plain data.
 */

export type Patience = 'plain' | 'patient' | 'forced'

/**
 * What a token request in flight comes to. A number is the status; `unusable`: a 200 that is none; `lost`: the server
 * acted and the connection broke.
 */
export type Answer = 200 | 400 | 401 | 429 | 503 | 'unusable' | 'lost'

/** What another client of the account does on the same store, undisturbed. */
export type OtherDeed =
  | 'signsIn'
  | 'refreshes'
  | 'resets'
  | 'signsOut'
  /** Its request is answered 429. */
  | 'isThrottled'
  /** Its sign-in is answered 401 or 503. */
  | 'isUnauthorized'
  | 'fails'

export type Act =
  /** The client is created. `held`: its store does not answer reads until `read`. */
  | { readonly act: 'start'; readonly held: boolean }
  /** A read of the store that was held is answered. */
  | { readonly act: 'read' }
  | { readonly act: 'ask'; readonly patience: Patience }
  /** The first caller of its kind who still waits aborts. */
  | { readonly act: 'leave'; readonly patience: Patience }
  /** The token request in flight is answered; the modes hold for that answer. */
  | { readonly act: 'answer'; readonly answer: Answer; readonly modes: Partial<SandboxModes> }
  | { readonly act: 'pass'; readonly ms: number }
  /** The wall clock is set on. */
  | { readonly act: 'jump'; readonly ms: number }
  /** A request to the API. */
  | { readonly act: 'call'; readonly status: 200 | 401 }
  | { readonly act: 'validate'; readonly status: 200 | 401 | 429 }
  | { readonly act: 'store'; readonly is: 'up' | 'down' }
  | { readonly act: 'other'; readonly does: OtherDeed; readonly modes: Partial<SandboxModes> }
  /** `signInOther`: with another password, which the server knows by then. */
  | { readonly act: 'operator'; readonly does: 'signIn' | 'signInOther' | 'signOut' | 'reset' }
  /** From here on the credentials callback does so. */
  | { readonly act: 'callback'; readonly is: Callback }
  /** One after the other within one instant: nothing settles between them. */
  | { readonly act: 'together'; readonly acts: readonly Act[] }
  /** As soon as the chart says that nothing is in flight, from within its listener. */
  | { readonly act: 'onceIdle'; readonly then: Act }

/** What differs from the defaults of a path. */
export interface Setting {
  readonly policy?: PolicyOptions
  readonly sandbox?: Partial<SandboxModes>
  /** The store does not tell of writes by others. */
  readonly deaf?: boolean
  /** Credentials come from a callback. */
  readonly callback?: boolean
}

/** A path through the public client. */
export interface Scenario {
  readonly name: string
  /** Transitions of the chart that it is there for. */
  readonly takes: readonly string[]
  readonly setting?: Setting
  readonly acts: readonly Act[]
}

export const start: Act = { act: 'start', held: false }
export const read: Act = { act: 'read' }
export const ask = (patience: Patience): Act => ({ act: 'ask', patience })
export const leave = (patience: Patience): Act => ({ act: 'leave', patience })
export const answer = (answer: Answer, modes: Partial<SandboxModes> = {}): Act => ({ act: 'answer', answer, modes })
export const pass = (ms: number): Act => ({ act: 'pass', ms })
export const jump = (ms: number): Act => ({ act: 'jump', ms })
export const call = (status: 200 | 401): Act => ({ act: 'call', status })
export const validate = (status: 200 | 401 | 429): Act => ({ act: 'validate', status })
export const store = (is: 'up' | 'down'): Act => ({ act: 'store', is })
export const other = (does: OtherDeed, modes: Partial<SandboxModes> = {}): Act => ({ act: 'other', does, modes })
export const operator = (does: 'signIn' | 'signInOther' | 'signOut' | 'reset'): Act => ({ act: 'operator', does })
export const callback = (is: Callback): Act => ({ act: 'callback', is })
export const together = (...acts: Act[]): Act => ({ act: 'together', acts })
export const onceIdle = (then: Act): Act => ({ act: 'onceIdle', then })
