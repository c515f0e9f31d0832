/**
 * How fast a HAR is read, and how much memory that takes: `node bench/audit-har.ts [megabytes]`, 1000 by default. Reads, puts in
 * order and tells accounts, without rules.
 */

import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createReadStream, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { withAccounts } from '../src/audit/readers/accounts.ts'
import { createFingerprints } from '../src/audit/readers/fingerprints.ts'
import { openRecording } from '../src/audit/readers/open.ts'
import { inOrder } from '../src/audit/readers/order.ts'
import { DEFAULT_TARGET } from '../src/audit/target.ts'
import { systemClock } from '../src/clock.ts'
import { writeHar } from './har-file.ts'

const [first = '1000', path] = process.argv.slice(2)
if (first === 'read') await read(path ?? '')
else {
  const folder = await mkdtemp(join(tmpdir(), 'bench-har-'))
  try {
    const file = join(folder, 'bench.har')
    const { entries } = await writeHar(file, Number(first))
    console.log(`${(statSync(file).size / 1e6).toFixed(0)} MB, ${entries} entries`)
    // In a process of its own: writing takes memory too.
    spawnSync(process.execPath, [import.meta.filename, 'read', file], { stdio: 'inherit' })
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function read(file: string) {
  const clock = systemClock()
  const startMs = clock.monotonic()
  const context = { target: DEFAULT_TARGET, fingerprints: createFingerprints(randomBytes(32)) }
  const bytes = createReadStream(file)
  const recording = await openRecording({ name: 'bench.har', bytes }, context)
  const order = inOrder(recording.items)
  const counts = { exchange: 0, happening: 0, skipped: 0 }
  for await (const item of withAccounts(order.items)) counts[item.kind]++
  const seconds = (clock.monotonic() - startMs) / 1000
  const rssMB = process.resourceUsage().maxRSS / 1000
  console.log(`${counts.exchange} exchanges, ${counts.skipped} skipped, sorted: ${order.wasSorted()}`)
  console.log(`tells ${recording.abilities().tells.join(', ')}`)
  console.log(`${(statSync(file).size / 1e6 / seconds).toFixed(0)} MB/s, at most ${rssMB.toFixed(0)} MB of memory`)
}
