/**
 * How fast a HAR is audited, as the command does, and how much memory that takes: `node bench/audit-har.ts [megabytes]`, 1000
 * by default.
 */

import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createReadStream, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { audit } from '../src/audit/index.ts'
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
  setFlagsFromString('--semi-space-growth-factor=1')
  const clock = systemClock()
  const startMs = clock.monotonic()
  const bytes = () => createReadStream(file, { highWaterMark: 1 << 20 })
  const report = await audit([{ name: 'bench.har', bytes }], { nowMs: clock.now(), key: randomBytes(32) })
  const seconds = (clock.monotonic() - startMs) / 1000
  const { user, system } = process.cpuUsage()
  const sizeMB = statSync(file).size / 1e6
  const rssMB = process.resourceUsage().maxRSS / 1000
  console.log(
    `${report.exchanges} exchanges, ${report.rules.filter(({ verdict }) => verdict === 'pass').length} rules passed`,
  )
  console.log(
    `${(sizeMB / seconds).toFixed(0)} MB/s (${((sizeMB * 1e6) / (user + system)).toFixed(0)} MB a second of CPU), at most ${rssMB.toFixed(0)} MB of memory`,
  )
}
