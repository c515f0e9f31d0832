import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Item, UnreadableRecording } from '../exchange.ts'

/** How much is written or read at once, bytes. */
const BLOCK_BYTES = 65_536

/** A temporary file of items in their order, one JSON line each. Holds what items hold: nothing secret. */
export interface Run {
  write(item: Item): Promise<void> | undefined
  /** Nothing more is written: there may be more runs than files that can be open at once. */
  end(): Promise<void>
  /** The items in batches, once. Their file is gone afterwards. */
  read(): AsyncGenerator<readonly Item[]>
}

/** A private folder for runs. */
export interface Runs {
  create(): Promise<Run>
  /** Removes everything. */
  remove(): Promise<void>
}

/**
 * @param file whose items these are, for messages
 * @param parent default the folder of the system for temporary files
 * @throws {UnreadableRecording} from all it gives: the folder is not there, closed to us or full
 */
export function createRuns(file: string, parent: string = tmpdir()): Runs {
  let folder: string | undefined
  let count = 0
  const handles = new Set<FileHandle>()

  const tried = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      const code = (Object(error) as { code?: string }).code ?? 'unknown'
      const why = `has to be sorted in temporary files, and the folder ${parent} cannot hold them (${code})`
      throw new UnreadableRecording({ file }, `${why}; set TMPDIR to a folder with room for them`)
    })

  const opened = async (path: string, flags: 'wx' | 'r') => {
    const handle = await tried(open(path, flags, 0o600))
    handles.add(handle)
    return handle
  }
  const closed = async (handle: FileHandle) => {
    handles.delete(handle)
    await handle.close()
  }

  return {
    async create() {
      // `mkdtemp` makes it for its owner alone.
      folder ??= await tried(mkdtemp(join(parent, 'compliancely-audit-')))
      const path = join(folder, `${++count}.jsonl`)
      const handle = await opened(path, 'wx')
      let lines: string[] = []
      let length = 0
      const flush = async () => {
        const block = lines.join('')
        lines = []
        length = 0
        await tried(handle.writeFile(block))
      }
      return {
        write(item) {
          const line = `${JSON.stringify(item)}\n`
          lines.push(line)
          length += line.length
          return length < BLOCK_BYTES ? undefined : flush()
        },
        async end() {
          await flush()
          await closed(handle)
        },
        async *read() {
          const reading = await opened(path, 'r')
          try {
            yield* itemsIn(reading)
          } finally {
            await closed(reading)
            await rm(path, { force: true })
          }
        },
      }
    },
    async remove() {
      for (const handle of handles) await handle.close()
      handles.clear()
      if (folder !== undefined) await rm(folder, { recursive: true, force: true })
    },
  }
}

async function* itemsIn(handle: FileHandle): AsyncGenerator<readonly Item[]> {
  const decoder = new TextDecoder()
  const block = new Uint8Array(BLOCK_BYTES)
  let rest = ''
  for (;;) {
    const { bytesRead } = await handle.read(block, 0, block.length)
    if (bytesRead === 0) return
    const lines = (rest + decoder.decode(block.subarray(0, bytesRead), { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    yield lines.map((line) => JSON.parse(line) as Item)
  }
}
