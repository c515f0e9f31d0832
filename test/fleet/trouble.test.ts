import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openStore } from '../../src/cli/store.ts'
import { createAuthClient } from '../../src/client/client.ts'
import { createSandbox } from '../../src/sandbox/index.ts'
import type { TokenStore } from '../../src/store/store.ts'
import { describeWithRedis, until } from '../store/redis/server.ts'
import { describeWithDisk, mountDisk, unmount } from '../support/disks.ts'
import { type Place, redisPlace } from './places.ts'

/** A place that can be made to refuse writes, and to take them again. */
interface Breakable extends Pick<Place, 'open' | 'close'> {
  break(): void
  mend(): void
}

const POLICY = {
  leaseMs: 3_000,
  leaseRenewMs: 2_500,
  backOffMinMs: 1_000,
  callerTimeoutMs: 10_000,
  fingerprintRounds: 1,
}
const CREDENTIALS = { username: 'demo', password: 'demo-password' }
const FILLER = 'filler'

/** A real disk, which can be filled. */
function smallDisk(): Breakable {
  const disk = mkdtempSync(join(tmpdir(), 'disk-'))
  mountDisk(disk, 512)
  return {
    open: () => openStore({ store: join(disk, 'state', 'tokens.db'), storeKey: undefined }),
    break() {
      const filler = openSync(join(disk, FILLER), 'w')
      try {
        for (;;) writeSync(filler, Buffer.alloc(512))
      } catch {
        // Full.
      } finally {
        closeSync(filler)
      }
    },
    mend: () => rmSync(join(disk, FILLER)),
    close: async () => {
      unmount(disk)
      rmSync(disk, { recursive: true })
    },
  }
}

async function frozenRedis(): Promise<Breakable> {
  const { server, open, close } = await redisPlace()
  return { open, close, break: server.freeze, mend: server.thaw }
}

function survives(make: () => Breakable | Promise<Breakable>): void {
  let place: Breakable
  let stores: TokenStore[]
  beforeAll(async () => {
    place = await make()
    stores = [await place.open(), await place.open()]
  })
  afterAll(async () => {
    await Promise.all(stores.map((store) => store.close?.()))
    await place.close()
  })

  it('D-store-down: a pair whose write fails is served, kept, and stored when it can be; no second refresh meanwhile', async () => {
    const sandbox = createSandbox({ users: [CREDENTIALS] })
    const client = (store: TokenStore | undefined) =>
      createAuthClient({
        ...{ baseURL: 'https://sandbox.test', credentials: CREDENTIALS, fetch: sandbox.fetch, policy: POLICY },
        ...(store && { store }),
      })
    await using one = client(stores[0])
    await one.getAccessToken()
    const stop = sandbox.onRequest(() => place.break())
    const token = await one.getAccessToken({ forceRefresh: true, timeoutMs: 10_000 })
    stop()
    expect(await one.getAccessToken()).toBe(token)
    await expect(one.getAccessToken({ forceRefresh: true })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    expect(await one.getAccessToken()).toBe(token)
    expect(sandbox.log).toHaveLength(2)
    place.mend()
    await until('the pair to be stored', async () => {
      const read = await stores[1]?.read('https://sandbox.test demo')
      return read?.record?.pair?.access.reveal() === token
    })
    await using other = client(stores[1])
    expect(await other.getAccessToken()).toBe(token)
    await one.getAccessToken({ forceRefresh: true, timeoutMs: 10_000 })
    expect(sandbox.log.map(({ endpoint, status }) => `${endpoint} ${status}`)).toEqual([
      'create 200',
      'refresh 200',
      'refresh 200',
    ])
  }, 60_000)
}

describeWithDisk('a fleet whose disk is full', () => survives(smallDisk))
describeWithRedis('a fleet whose Redis stands still', () => survives(frozenRedis))
