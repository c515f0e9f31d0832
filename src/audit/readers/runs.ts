import { chmod, type FileHandle, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Item } from '../exchange.ts'

/** How much is written or read at once, bytes. */
const BLOCK_BYTES = 65_536

/** A temporary file of items in their order, one JSON line each. Holds what items hold: nothing secret. */
export interface Run {
  write(item: Item): Promise<void> | undefined
  /** Ends the writing; the items, once. Their file is gone afterwards. */
  read(): AsyncGenerator<Item>
}

/** A private folder for runs. */
export interface Runs {
  create(): Promise<Run>
  /** Removes everything. */
  remove(): Promise<void>
}

/** @param parent default the folder of the system for temporary files */
export function createRuns(parent: string = tmpdir()): Runs {
  let folder: string | undefined
  let count = 0
  const handles = new Set<FileHandle>()
  return {
    async create() {
      folder ??= await mkdtemp(join(parent, 'compliancely-audit-'))
      await chmod(folder, 0o700)
      const path = join(folder, `${++count}.jsonl`)
      const handle = await open(path, 'wx+', 0o600)
      handles.add(handle)
      return runOn(handle, async () => {
        handles.delete(handle)
        await handle.close()
        await rm(path, { force: true })
      })
    },
    async remove() {
      for (const handle of handles) await handle.close()
      handles.clear()
      if (folder !== undefined) await rm(folder, { recursive: true, force: true })
    },
  }
}

function runOn(handle: FileHandle, close: () => Promise<void>): Run {
  let lines: string[] = []
  let length = 0
  const flush = async () => {
    const block = lines.join('')
    lines = []
    length = 0
    await handle.writeFile(block)
  }
  return {
    write(item) {
      const line = `${JSON.stringify(item)}\n`
      lines.push(line)
      length += line.length
      return length < BLOCK_BYTES ? undefined : flush()
    },
    async *read() {
      await flush()
      try {
        const decoder = new TextDecoder()
        const block = new Uint8Array(BLOCK_BYTES)
        let rest = ''
        for (let at = 0; ; ) {
          const { bytesRead } = await handle.read(block, 0, block.length, at)
          if (bytesRead === 0) break
          at += bytesRead
          const found = (rest + decoder.decode(block.subarray(0, bytesRead), { stream: true })).split('\n')
          rest = found.pop() ?? ''
          for (const line of found) yield JSON.parse(line) as Item
        }
      } finally {
        await close()
      }
    },
  }
}
