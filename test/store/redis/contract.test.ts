import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createClient, createCluster } from 'redis'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type RedisClient, redisStore } from '../../../src/store/redis/index.ts'
import { channelOf, keyOf } from '../../../src/store/redis/keys.ts'
import { neededRights } from '../../../src/store/redis/trouble.ts'
import { type ContractOptions, storeContract } from '../../support/store-contract.ts'
import { describeWithRedis, freePort, type Server, startServer, until } from './server.ts'
import { openStores } from './stores.ts'

const OPTIONS: ContractOptions = { leaseMs: 300, toleranceMs: 1 }
let prefixes = 0

/** The contract with two clients; each test has keys of its own. */
function contractWith(name: string, server: () => Server, clientOf: (which: 'one' | 'other') => RedisClient): void {
  storeContract(
    name,
    async () => {
      const prefix = `test-${++prefixes}:`
      const clients = [clientOf('one'), clientOf('other')] as const
      for (const client of clients) client.on('error', () => {})
      const [one, other] = [redisStore({ client: clients[0], prefix }), redisStore({ client: clients[1], prefix })]
      const stores = openStores(server(), prefix, one, other)
      return {
        ...stores,
        async close() {
          await stores.close()
          for (const client of clients) client.destroy()
        },
      }
    },
    OPTIONS,
  )
}

describeWithRedis('a Redis server', () => {
  let server: Server
  beforeAll(async () => {
    server = await startServer()
  })
  afterAll(() => server.stop())

  contractWith(
    'redisStore',
    () => server,
    (which) => createClient({ url: server.url, RESP: which === 'one' ? 3 : 2 }),
  )
})

describeWithRedis('a Redis server that speaks TLS, to a user of the least rights', () => {
  const PASSWORD = 'CANARY-password'
  let server: Server
  let tlsPort: number
  beforeAll(async () => {
    tlsPort = await freePort()
    server = await startServer({
      args: (dir) => {
        const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')]
        const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
        const names = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
        const made = spawnSync('openssl', ['req', '-x509', ...ec, ...names, '-keyout', key, '-out', cert])
        if (made.status !== 0) throw new Error(`openssl made no certificate: ${made.stderr}`)
        const files = ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', cert]
        return ['--tls-port', `${tlsPort}`, ...files, '--tls-auth-clients', 'no']
      },
    })
    const rights = neededRights('test-').split(' ')
    await server.admin.aclSetUser('least', ['reset', 'on', `>${PASSWORD}`, ...rights])
  })
  afterAll(() => server.stop())

  contractWith(
    'redisStore',
    () => server,
    () =>
      createClient({
        url: `rediss://127.0.0.1:${tlsPort}`,
        username: 'least',
        password: PASSWORD,
        socket: { tls: true, ca: readFileSync(join(server.dir, 'cert.pem')) },
      }),
  )
})

describeWithRedis('a Redis cluster', () => {
  let server: Server
  beforeAll(async () => {
    const busPort = await freePort()
    const cluster = ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1', '--cluster-port', `${busPort}`]
    server = await startServer({ args: () => cluster })
    await server.admin.clusterAddSlotsRange({ start: 0, end: 16_383 })
    await until('the cluster to be up', async () => (await server.admin.clusterInfo()).includes('cluster_state:ok'))
  })
  afterAll(() => server.stop())

  contractWith(
    'redisStore',
    () => server,
    () => createCluster({ rootNodes: [{ url: server.url }] }),
  )

  it('keeps key and channel of an account in one slot, whatever its name', async () => {
    for (const account of ['https://api.example/base me', 'budget https://api.example', 'https://{x}.example }{ {}']) {
      const key = await keyOf('compliancely-auth:', account)
      expect(await server.admin.clusterKeySlot(channelOf(key))).toBe(await server.admin.clusterKeySlot(key))
    }
  })
})
