/**
 * How fast a journal is read, and in how much memory: `node bench/audit-journal.ts [MEGABYTES]` (500) writes a journal of
 * that size to a temporary file, reads it, prints the figures and removes it.
 */
import { once } from 'node:events'
import { createReadStream, createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { createFingerprints } from '../src/audit/readers/fingerprints.ts'
import { journalReader } from '../src/audit/readers/journal.ts'
import { DEFAULT_TARGET } from '../src/audit/target.ts'
import { encodeLine, JOURNAL, JOURNAL_VERSION, type JournalLine, PRODUCER } from '../src/journal/format.ts'

const MEGABYTE = 1_000_000
const HOUR_MS = 3_600_000
const CLIENT = '0123abcd-0000-4000-8000-000000000000'

const megabytes = Number(process.argv[2] ?? 500)
const folder = mkdtempSync(join(tmpdir(), 'bench-journal-'))
const path = join(folder, 'journal.jsonl')
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

const hex = (number: number) => number.toString(16).padStart(16, '0')

/** An API request a second, a refresh an hour, and what the chart says of it. */
function* journal(): Generator<string> {
  const startedAtMs = Date.UTC(2026, 0, 5)
  const by = CLIENT.slice(0, 8)
  const header = { journal: JOURNAL, version: JOURNAL_VERSION, producer: PRODUCER, startedAtMs } as const
  yield encodeLine({ ...header, origin: 'https://api.test', account: hex(7), client: CLIENT })
  const told = (line: unknown) => encodeLine(line as JournalLine)
  for (let send = 1; ; send++) {
    const atMs = startedAtMs + send * 1000
    const generation = Math.floor(send / 3000)
    if (send % 3000 === 0) {
      const refresh = { endpoint: 'refresh', method: 'POST', path: '/api/v2/token/refresh/', authScheme: 'none' }
      yield told({ kind: 'sent', by, atMs: atMs - 500, send: -send, ...refresh, refreshId: hex(generation - 1) })
      const grantedAccessExpAtMs = atMs + HOUR_MS
      const granted = { grantedAccessId: hex(generation), grantedAccessExpAtMs, grantedRefreshId: hex(generation) }
      yield told({ kind: 'answered', by, atMs: atMs - 400, send: -send, status: 200, ...granted })
      const step = { region: 'tokens', from: 'valid', to: 'sending.refreshing', gate: 'open', event: 'xstate.after' }
      yield told({
        kind: 'transition',
        by,
        atMs: atMs - 500,
        ...step,
        ids: ['refresh-before-expiry'],
        why: '',
        generation,
      })
    }
    const accessExpAtMs = startedAtMs + (generation + 1) * HOUR_MS
    const request = { endpoint: 'api', method: 'GET', path: '/api/v2/whoami/', authScheme: 'Bearer', requestId: send }
    yield told({ kind: 'sent', by, atMs, send, ...request, accessId: hex(generation), accessExpAtMs })
    yield told({ kind: 'answered', by, atMs: atMs + 40, send, status: 200 })
  }
}

const output = createWriteStream(path)
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

const before = process.resourceUsage().maxRSS / 1024
const { size: bytes } = statSync(path)
const startedMs = process.uptime() * 1000
const cpuBefore = process.cpuUsage()
const context = { target: DEFAULT_TARGET, fingerprints: createFingerprints(new Uint8Array(32)) }
let exchanges = 0
const recording = journalReader.read({ file: path, bytes: createReadStream(path, { highWaterMark: 262_144 }) }, context)
for await (const { kind } of recording.items) if (kind === 'exchange') exchanges++
const seconds = process.uptime() - startedMs / 1000
const { user, system } = process.cpuUsage(cpuBefore)
const rss = process.resourceUsage().maxRSS / 1024
const speed = Math.round(bytes / MEGABYTE / seconds)
console.log(`${Math.round(bytes / MEGABYTE)} MB, ${exchanges} exchanges in ${seconds.toFixed(1)} s: ${speed} MB/s`)
console.log(`${Math.round(bytes / (user + system))} MB for each second of a processor, all threads`)
console.log(`memory at most ${Math.round(rss)} MB (${Math.round(before)} MB before reading)`)
