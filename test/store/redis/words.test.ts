import { inspect } from 'node:util'
import { ErrorReply, SocketClosedUnexpectedlyError } from 'redis'
import { describe, expect, it } from 'vitest'
import { storeErrorOf } from '../../../src/store/redis/trouble.ts'
import { StoreError } from '../../../src/store/store-error.ts'

const PLACE = { where: 'Redis at host:6379/0', prefix: 'p:', key: 'p:{it}' }
const REDIS_6 =
  'ERR Error running script (call to f_1d2c): @user_script:1: @user_script: 1: -OOM command not allowed CANARY'
const UNKNOWN = "ERR unknown command 'EVALSHA', with args beginning with: 'CANARY'"
const REFUSED = Object.assign(new Error('CANARY'), { code: 'ECONNREFUSED', address: '::1', port: 6379 })

describe('what the client of Redis throws, in words', () => {
  it.each<[string, unknown, string, string]>([
    ['no memory', new ErrorReply('OOM command not allowed CANARY'), 'FULL', 'has no memory left to write'],
    ['no memory, as Redis 6 says it', new ErrorReply(REDIS_6), 'FULL', '(OOM)'],
    ['a replica', new ErrorReply('READONLY You CANARY'), 'READ_ONLY', 'connect to the primary'],
    ['a full disk', new ErrorReply('MISCONF Redis CANARY'), 'READ_ONLY', 'cannot save to its disk'],
    ['too few replicas', new ErrorReply('NOREPLICAS CANARY'), 'READ_ONLY', 'too few of its replicas'],
    ['no user', new ErrorReply('NOAUTH CANARY'), 'UNREACHABLE', 'give them to the client'],
    ['start-up', new ErrorReply('LOADING CANARY'), 'UNREACHABLE', 'is loading its data'],
    ['another script', new ErrorReply('BUSY CANARY'), 'UNREACHABLE', 'is busy'],
    ['a lost primary', new ErrorReply('MASTERDOWN CANARY'), 'UNREACHABLE', 'without its primary'],
    ['a broken cluster', new ErrorReply('CLUSTERDOWN CANARY'), 'UNREACHABLE', 'nodes of it are down'],
    ['a slot on its way', new ErrorReply('TRYAGAIN CANARY'), 'UNREACHABLE', 'is moving this account'],
    ['a cluster, to a plain client', new ErrorReply('MOVED 3999 CANARY:1'), 'UNREACHABLE', 'createCluster()'],
    [
      'another type',
      new ErrorReply('WRONGTYPE CANARY'),
      'UNREADABLE',
      'p:{it} in Redis at host:6379/0 holds something',
    ],
    ['a reply that nobody knows', new ErrorReply(UNKNOWN), 'UNREACHABLE', 'refused a script (ERR)'],
    ['a word of every object', new ErrorReply('constructor CANARY'), 'UNREACHABLE', 'refused a script (no reason)'],
    ['a refused connection', REFUSED, 'UNREACHABLE', 'cannot be reached (ECONNREFUSED ::1:6379)'],
    ['a broken connection', new SocketClosedUnexpectedlyError(), 'UNREACHABLE', 'cannot be reached: is it running'],
    ['what is no error', 'CANARY', 'UNREACHABLE', 'cannot be reached: is it running'],
    ['nothing', undefined, 'UNREACHABLE', 'cannot be reached: is it running'],
  ])('%s', (_, thrown, code, words) => {
    const error = storeErrorOf(thrown, PLACE)
    expect(error).toMatchObject({ code, message: expect.stringContaining(words) })
    expect(error.message).toContain('Redis at host:6379/0')
    expect(inspect(error, { showHidden: true, depth: 10 })).not.toContain('CANARY')
  })

  it('an error of ours stays as it is', () => {
    const ours = new StoreError('NEWER', 'x')
    expect(storeErrorOf(ours, PLACE)).toBe(ours)
  })
})
