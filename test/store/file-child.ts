/**
 * A process with a file store of its own. Its one argument says what to do; each answer is a line of JSON on stdout.
 */
import { fileStore } from '../../src/store/file/index.ts'
import { StoreError } from '../../src/store/store-error.ts'
import { fullRecord } from '../support/records.ts'

/** What a child does. */
export interface Task {
  readonly path: string
  /** Gives up root for this user, if the child has it: root may do everything. */
  readonly uid?: number
  /**
   * Once `read`, `write` or `lease`; `count`: write the next version as often as `times` says; `listen`: read, and leave the
   * store open.
   */
  readonly what: 'read' | 'write' | 'lease' | 'count' | 'listen'
  readonly times?: number
}

const ACCOUNT = 'https://api.example me'
const { path, uid, what, times = 1 } = JSON.parse(process.argv[2] ?? '{}') as Task
if (uid !== undefined && process.getuid?.() === 0) {
  process.setgroups?.([])
  process.setgid?.(uid)
  process.setuid?.(uid)
}

const store = fileStore({ path })
const say = (answer: object) => void process.stdout.write(`${JSON.stringify(answer)}\n`)
const versionNow = async () => (await store.read(ACCOUNT)).record?.version ?? 0

const next = async () => {
  const version = await versionNow()
  return (await store.compareAndSet(ACCOUNT, version, fullRecord(version + 1))) ? version + 1 : undefined
}

try {
  if (what === 'listen') store.subscribe?.(ACCOUNT, () => {})
  if (what === 'read' || what === 'listen') say({ version: await versionNow() })
  if (what === 'lease') say(await store.lease(ACCOUNT, `child ${process.pid}`, 600_000))
  if (what === 'write') say({ version: await next() })
  for (let done = 0; what === 'count' && done < times; ) {
    const version = await next()
    if (version === undefined) continue
    done++
    say({ version })
  }
} catch (error) {
  if (!(error instanceof StoreError)) throw error
  say({ code: error.code, message: error.message })
}
if (what !== 'listen') await store.close?.()
