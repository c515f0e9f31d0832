import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore } from '../../src/cli/store.ts'
import type { TokenStore } from '../../src/store/store.ts'
import { type Server, startServer } from '../store/redis/server.ts'

/** A place where processes keep records. */
export interface Place {
  readonly name: 'file' | 'Redis'
  /** As `COMPLIANCELY_STORE`. */
  readonly url: string
  /** The store, as one more process of it would open it. */
  open(): Promise<TokenStore>
  close(): Promise<void>
}

const open = (url: string) => openStore({ store: url, storeKey: undefined })

export function filePlace(): Place {
  const folder = mkdtempSync(join(tmpdir(), 'fleet-'))
  const url = join(folder, 'state', 'tokens.db')
  return {
    name: 'file',
    url,
    open: () => open(url),
    close: async () => rmSync(folder, { recursive: true, force: true }),
  }
}

export async function redisPlace(): Promise<Place & { readonly server: Server }> {
  const server = await startServer({ appendOnly: true })
  return { name: 'Redis', url: server.url, server, open: () => open(server.url), close: server.stop }
}
