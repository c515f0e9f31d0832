import { type Clock, sleep } from '../../src/clock.ts'
import type { AccountRecord, TokenStore } from '../../src/index.ts'
import type { Transport } from './world.ts'

/** A request as it went out. */
export interface Sent {
  readonly url: string
  readonly method: string
  readonly headers: Headers
  readonly body: string
}

/** A transport that keeps what goes out; `answer` may take a request from the sandbox. */
export function recorder(answer?: (sent: Sent) => Response | undefined) {
  const sent: Sent[] = []
  const transport =
    (fetch: Transport): Transport =>
    async (input, init) => {
      const request = new Request(input, init)
      const { url, method, headers } = request
      const body = await request.clone().text()
      const entry = { url, method, headers, body }
      sent.push(entry)
      return answer?.(entry) ?? fetch(request)
    }
  return { sent, transport }
}

/** Which parts of a store fail. */
export interface StoreFaults {
  reads: boolean
  writes: boolean
  leases: boolean
}

/** A store that fails on command, and tells what it was asked. */
export function faultyStore() {
  const faults: StoreFaults = { reads: false, writes: false, leases: false }
  const calls: string[] = []
  const guarded = <T>(call: string, fails: boolean, work: () => Promise<T>): Promise<T> => {
    calls.push(call)
    return fails ? Promise.reject(new Error('the disk is full')) : work()
  }
  const around = (memory: TokenStore): TokenStore => ({
    ...memory,
    read: (account) => guarded('read', faults.reads, () => memory.read(account)),
    compareAndSet: (account, version, record) =>
      guarded('write', faults.writes, () => memory.compareAndSet(account, version, record)),
    lease: (account, holder, leaseMs) => guarded('lease', faults.leases, () => memory.lease(account, holder, leaseMs)),
    release: (account, holder) => guarded('release', faults.leases, () => memory.release(account, holder)),
  })
  const down = (isDown = true) => void Object.assign(faults, { reads: isDown, writes: isDown, leases: isDown })
  return { around, calls, faults, down }
}

/** A store whose writes take `line.writeMs`, on the way there. */
export function slowWrites(clockOf: () => Clock) {
  const line = { writeMs: 0 }
  const around = (memory: TokenStore): TokenStore => ({
    ...memory,
    async compareAndSet(account, version, record) {
      if (line.writeMs > 0) await sleep(clockOf(), line.writeMs)
      return memory.compareAndSet(account, version, record)
    },
  })
  return { around, line }
}

/** A store whose data can be replaced by an older copy of it, as a restored backup does. */
export function rewindableStore() {
  let records = new Map<string, AccountRecord>()
  const around = (memory: TokenStore): TokenStore => ({
    read: async (account) => ({ record: records.get(account), nowMs: (await memory.read(account)).nowMs }),
    async compareAndSet(account, expectedVersion, next) {
      if ((records.get(account)?.version ?? 0) !== expectedVersion) return false
      records.set(account, next)
      return true
    },
    lease: memory.lease,
    release: memory.release,
  })
  const copy = () => new Map(records)
  const replaceBy = (older: ReadonlyMap<string, AccountRecord>) => {
    records = new Map(older)
  }
  return { around, copy, replaceBy }
}

/** Lets a test listen for what the process says of forgotten rejections. */
export function unhandledRejections() {
  const seen: unknown[] = []
  const listener = (reason: unknown) => void seen.push(reason)
  process.on('unhandledRejection', listener)
  return { seen, stop: () => void process.off('unhandledRejection', listener) }
}
