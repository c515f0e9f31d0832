/**
 * How fast a journal is audited, as the command does, and how fast it is only read: `node bench/audit-journal.ts [MEGABYTES]`,
 * 500 by default, writes a journal of that size to a temporary file, takes the figures in a process each, and removes it.
 */
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream, createWriteStream, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { setFlagsFromString } from 'node:v8'
import { audit } from '../src/audit/index.ts'
import { createFingerprints } from '../src/audit/readers/fingerprints.ts'
import { journalReader } from '../src/audit/readers/journal.ts'
import { DEFAULT_TARGET } from '../src/audit/target.ts'
import { systemClock } from '../src/clock.ts'
import { journal } from './journal-lines.ts'

const MEGABYTE = 1_000_000
const TASKS = { read, audit: auditAll }

const [first = '500', path = ''] = process.argv.slice(2)
if (first in TASKS) await measured(TASKS[first as keyof typeof TASKS], first, path)
else {
  const folder = await mkdtemp(join(tmpdir(), 'bench-journal-'))
  try {
    const file = join(folder, 'journal.jsonl')
    await write(file, Number(first))
    for (const task of Object.keys(TASKS))
      spawnSync(process.execPath, [import.meta.filename, task, file], { stdio: 'inherit' })
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function write(file: string, megabytes: number) {
  const output = createWriteStream(file)
  let size = 0
  let pending = ''
  for (const line of journal()) {
    pending += line
    if (pending.length < MEGABYTE) continue
    size += pending.length
    if (!output.write(pending)) await once(output, 'drain')
    pending = ''
    if (size >= megabytes * MEGABYTE) break
  }
  await finished(output.end())
}

async function measured(task: (file: string) => Promise<number>, name: string, file: string) {
  setFlagsFromString('--semi-space-growth-factor=1')
  const clock = systemClock()
  const before = process.cpuUsage()
  const startMs = clock.monotonic()
  const exchanges = await task(file)
  const seconds = (clock.monotonic() - startMs) / 1000
  const { user, system } = process.cpuUsage(before)
  const sizeMB = statSync(file).size / MEGABYTE
  const speeds = `${(sizeMB / seconds).toFixed(0)} MB/s (${((sizeMB * 1e6) / (user + system)).toFixed(0)} MB a second of CPU)`
  const rssMB = process.resourceUsage().maxRSS / 1000
  console.log(`${name}: ${sizeMB.toFixed(0)} MB, ${exchanges} exchanges, ${speeds}, at most ${rssMB.toFixed(0)} MB`)
}

async function read(file: string) {
  const context = { target: DEFAULT_TARGET, fingerprints: createFingerprints(new Uint8Array(32)) }
  const bytes = createReadStream(file, { highWaterMark: MEGABYTE })
  let exchanges = 0
  for await (const batch of journalReader.read({ file, bytes }, context).batches)
    for (const { kind } of batch) if (kind === 'exchange') exchanges++
  return exchanges
}

async function auditAll(file: string) {
  const bytes = () => createReadStream(file, { highWaterMark: MEGABYTE })
  const { exchanges, findings } = await audit([{ name: 'journal', bytes }], { nowMs: 0, key: randomBytes(32) })
  if (findings.length > 0) throw new Error(`the journal is not clean: ${findings[0]?.observed}`)
  return exchanges
}
