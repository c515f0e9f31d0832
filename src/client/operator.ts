import { AuthError } from '../errors.ts'
import type { LifecycleEvent } from '../policy/events.ts'
import type { AccountRecord } from '../store/record.ts'
import type { Callers } from './callers.ts'
import { type Credentials, type HeldCredentials, holdCredentials, sameCredentials } from './credentials.ts'
import type { AuthClient } from './face.ts'
import { checkCredentials } from './options.ts'
import { closedError, type Session, tellFacts } from './session.ts'
import { idle, until } from './waiting.ts'

/** The commands of an operator: told to the chart and written to the record. */
export type Operator = Pick<AuthClient, 'signIn' | 'signOut' | 'reset'>

export function createOperator(
  session: Session,
  callers: Pick<Callers, 'acquire' | 'timedOut'>,
  username: string | undefined,
  /** Told of each command when it takes effect. */
  onCommand: (action: keyof Operator, given?: HeldCredentials) => void = () => {},
): Operator {
  const { timeline, policy, credentials, vault, keeper, adoption, lifecycle, ended } = session
  const { callerTimeoutMs: timeoutMs } = policy

  /** A command waits for the request in flight, whatever its outcome. */
  const inOrder = (): Promise<void> | undefined => {
    if (ended.aborted) throw closedError()
    // Where nothing is in flight nothing is awaited, so that nothing of this client begins between the look and the command.
    if (idle(lifecycle.snapshot())) return undefined
    return until(session, idle, { timeoutMs, tooLong: () => callers.timedOut('forced', timeoutMs) as AuthError })
  }

  /**
   * Chart and record in one step: a request that begins after it stands behind the write, and finds a record that the chart
   * has to adopt first.
   */
  const told = async (event: LifecycleEvent, change: (record: AccountRecord) => AccountRecord) => {
    lifecycle.send(event)
    await keeper.keep(change)
    await tellFacts(session)
  }

  const refuseOtherAccount = (given: Credentials | undefined) => {
    const expected = username ?? credentials.last()?.username
    if (given === undefined || expected === undefined || given.username === expected) return
    const message = `signIn() was given another user name than this client's account. Create a client for that account (D-sign-in).`
    throw new AuthError('CONFIG_INVALID', message, { clause: 'D-sign-in' })
  }

  return {
    async signIn(given) {
      if (given !== undefined) checkCredentials(given)
      refuseOtherAccount(given)
      // Worked out ahead: nothing may be awaited between the look and the command.
      const fingerprint =
        given && keeper.known().latches.length > 0 ? await adoption.fingerprintOf(holdCredentials(given)) : ''
      const waiting = inOrder()
      if (waiting !== undefined) await waiting
      const last = credentials.last()
      const held = given === undefined ? last : holdCredentials(given)
      onCommand('signIn', given && held)
      const { latch, signedOut } = lifecycle.context()
      // A callback that was never asked: nobody can say whether these are others; against a latch they have to be tried.
      const other = held !== undefined && (last === undefined ? latch !== null : !sameCredentials(held, last))
      if (given !== undefined && held !== undefined) credentials.replace(held)
      if (!other && latch !== 'refreshUnauthorized' && !signedOut && vault.usable() !== undefined) return
      // Only a usable token of a refresh token that was given up has to be outdone; else any pair will do.
      const outdo = latch === 'refreshUnauthorized' && vault.usable() !== undefined
      await told({ type: 'operator.signIn', atMs: timeline.nowMs(), credentials: other ? 'other' : 'same' }, (record) =>
        signedIn(record, other, fingerprint),
      )
      await callers.acquire(outdo ? 'forced' : 'plain', {})
    },

    async signOut() {
      if (ended.aborted) throw closedError()
      onCommand('signOut')
      vault.discard(Number.POSITIVE_INFINITY)
      await told({ type: 'operator.signOut', atMs: timeline.nowMs() }, (record) => ({
        ...record,
        ...NO_PAIR,
        signedOut: true,
      }))
    },

    async reset() {
      const waiting = inOrder()
      if (waiting !== undefined) await waiting
      onCommand('reset')
      await told({ type: 'operator.reset', atMs: timeline.nowMs() }, (record) => ({
        ...record,
        ...NO_PAIR,
        latches: [],
        refreshLatch: 0,
        createFailed: false,
      }))
    },
  }
}

const NO_PAIR = { pair: null, unfinished: false, refreshAttempts: 0, createUnfinished: 0 } as const

/** What a sign-in leaves of the record. `D-sign-in` */
function signedIn(record: AccountRecord, other: boolean, fingerprint: string): AccountRecord {
  const base: AccountRecord = { ...record, signedOut: false, createFailed: false, createUnfinished: 0 }
  // The latch of these credentials goes; the others' stay, for some other client may still have what they are against.
  const latches = record.latches.filter((latch) => latch.fingerprint !== fingerprint)
  if (other) return { ...base, ...NO_PAIR, latches, refreshLatch: 0, backOff: null }
  if (record.pair === null || record.refreshLatch !== record.pair.generation) return base
  return { ...base, refreshLatch: 0, pair: { ...record.pair, refresh: null } }
}
