import { StoreError, type StoreErrorCode } from '../store-error.ts'

/** What the user of the connection has to be allowed, as an ACL says it; `prefix` begins keys and channels. */
export const neededRights = (prefix: string) =>
  `~${prefix}* &${prefix}* +evalsha +eval +time +exists +hget +hmget +hset +hdel +pexpire +publish +subscribe +unsubscribe +ping +cluster|slots`

/** First words of the replies that say what is wrong. */
const REPLIES: Readonly<Record<string, readonly [StoreErrorCode, (prefix: string) => string]>> = {
  OOM: ['FULL', () => 'has no memory left to write: give it more, or remove something'],
  READONLY: ['READ_ONLY', () => 'is a replica: connect to the primary'],
  MISCONF: ['READ_ONLY', () => 'refuses to write, for it cannot save to its disk: see its log'],
  NOREPLICAS: ['READ_ONLY', () => 'refuses to write, for too few of its replicas are there: see its log'],
  NOAUTH: ['UNREACHABLE', () => 'wants a user and a password: give them to the client'],
  WRONGPASS: ['UNREACHABLE', () => 'refuses the user or the password of the client: correct them'],
  NOPERM: ['UNREACHABLE', (prefix) => `refuses this to the user of the client: its ACL needs ${neededRights(prefix)}`],
  LOADING: ['UNREACHABLE', () => 'is loading its data: it is tried again'],
  BUSY: ['UNREACHABLE', () => 'is busy with a script: it is tried again'],
  MASTERDOWN: ['UNREACHABLE', () => 'is a replica without its primary: it is tried again'],
  CLUSTERDOWN: ['UNREACHABLE', () => 'cannot serve this account, for nodes of it are down: it is tried again'],
  TRYAGAIN: ['UNREACHABLE', () => 'is moving this account to another node: it is tried again'],
  MOVED: ['UNREACHABLE', () => 'is a node of a cluster: give the store a client of createCluster()'],
  ASK: ['UNREACHABLE', () => 'is a node of a cluster: give the store a client of createCluster()'],
}

/** First words of replies about what is kept under the key. */
const FOREIGN =
  'holds something that is not of compliancely-auth: nothing was changed; move it away or use another prefix'
const CONTENT: Readonly<Record<string, readonly [StoreErrorCode, string]>> = {
  WRONGTYPE: ['UNREADABLE', FOREIGN],
  FOREIGN: ['UNREADABLE', FOREIGN],
  NEWERLAYOUT: ['NEWER', 'was written by a later version of compliancely-auth: update this program'],
}

// Before Redis 7 the reply to a script begins with words of its own.
const FIRST_WORD = /^([A-Z]+)\b/
const INNER_WORD = /^ERR Error running script.*?-([A-Z]+)\b/

/** Where something went wrong, in the words of messages. */
export interface Place {
  /** `Redis at 127.0.0.1:6379/0`. */
  readonly where: string
  readonly prefix: string
  /** Left out where it is not about one. */
  readonly key?: string
}

/**
 * What the client of Redis throws, as the store's own error. Nothing of it is quoted but its first word and its address:
 * a reply may repeat what was sent, and that holds tokens.
 */
export function storeErrorOf(error: unknown, { where, prefix, key = 'it' }: Place): StoreError {
  if (error instanceof StoreError) return error
  const message = error instanceof Error ? error.message : ''
  const word = (INNER_WORD.exec(message) ?? FIRST_WORD.exec(message))?.[1] ?? ''
  if (Object.hasOwn(CONTENT, word)) {
    const [code, what] = CONTENT[word] as readonly [StoreErrorCode, string]
    return new StoreError(code, `${key} in ${where} ${what}`)
  }
  if (Object.hasOwn(REPLIES, word)) {
    const [code, what] = REPLIES[word] as (typeof REPLIES)[string]
    return new StoreError(code, `${where} ${what(prefix)} (${word})`)
  }
  if (error instanceof Error && isReply(error))
    return new StoreError(
      'UNREACHABLE',
      `${where} refused a script (${word || 'no reason'}): it must be Redis 6 or later`,
    )
  return new StoreError(
    'UNREACHABLE',
    `${where} cannot be reached${reasonOf(error)}: is it running, and the address right?`,
  )
}

// By name, for the package is not imported here: https://github.com/redis/node-redis, its `errors.ts`.
const isReply = (error: Error) => ['ErrorReply', 'SimpleError', 'BlobError'].includes(error.constructor.name)

/** ` (ECONNREFUSED 127.0.0.1:6379)`, as far as it is known. */
function reasonOf(error: unknown): string {
  const { code, address, port } = (error ?? {}) as { code?: unknown; address?: unknown; port?: unknown }
  if (typeof code !== 'string') return ''
  return typeof address === 'string' && typeof port === 'number' ? ` (${code} ${address}:${port})` : ` (${code})`
}
