import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { journal } from '../../bench/journal-lines.ts'
import { audit, type Source } from '../../src/audit/index.ts'
import { chunksOf } from '../support/journal.ts'
import { entry, har } from './har-support.ts'

/** What can be read again is judged as it comes, and sorted only if it has to be. */

const NOWHERE = join(tmpdir(), 'compliancely-auth-no-such-folder')
const EXCHANGES = 45_000

/** A clean journal of more than the window holds. */
function lines(): string[] {
  const made: string[] = []
  for (const text of journal()) {
    made.push(text)
    if (made.length > EXCHANGES) return made
  }
  return made
}
const LINES = lines()
/** The first hour comes last. */
const [header = ''] = LINES
const DISORDERED = [header, ...LINES.slice(3_000), ...LINES.slice(1, 3_000)].join('')
const ORDERED = LINES.join('')

async function judged(bytes: Source['bytes'], tempDir: string) {
  let read = 0
  const onBytes = (count: number) => {
    read += count
  }
  const report = await audit([{ name: 'x', bytes }], { nowMs: 0, key: new Uint8Array(32), tempDir, onBytes })
  return { report, read }
}

function folder() {
  const path = mkdtempSync(join(tmpdir(), 'again-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  return path
}

const chunks = (text: string) => chunksOf(text, 1 << 20)

describe('what can be opened again', () => {
  it('needs no temporary file while it is in order', async () => {
    const { report, read } = await judged(() => chunks(ORDERED), NOWHERE)
    expect(report).toMatchObject({ notes: [], findings: [] })
    expect(report.exchanges).toBeGreaterThan(40_000)
    expect(read).toBe(ORDERED.length)
  })

  it('is read again and sorted where it is not, and counted once', async () => {
    const tempDir = folder()
    const { report, read } = await judged(() => chunks(DISORDERED), tempDir)
    expect(report.notes).toContainEqual(expect.stringContaining('x was not in the order of time'))
    expect(read).toBe(DISORDERED.length)
    expect(readdirSync(tempDir)).toEqual([])
    // No worse for it.
    const { report: ordered } = await judged(() => chunks(ORDERED), NOWHERE)
    expect(report.exchanges).toBe(ordered.exchanges)
    expect(report.findings).toEqual([])
  })

  it('is closed before it is read again', async () => {
    let open = 0
    const bytes = async function* () {
      open++
      try {
        yield* chunks(DISORDERED)
      } finally {
        open--
      }
    }
    await judged(() => {
      expect(open).toBe(0)
      return bytes()
    }, folder())
    expect(open).toBe(0)
  })
})

it('what can be read once goes through temporary files', async () => {
  await expect(judged(chunks(ORDERED), NOWHERE)).rejects.toThrow('ENOENT')
  const { report } = await judged(chunks(DISORDERED), folder())
  expect(report.notes).toContainEqual(expect.stringContaining('x was not in the order of time'))
  expect(report.findings).toEqual([])
})

describe('several recordings', () => {
  const at = (s: number) => new Date(Date.UTC(2026, 0, 5, 10) + s * 1000).toISOString()
  const once = (name: string, text: string): Source => ({ name, bytes: chunks(text) })
  /** The earliest request comes last, so many behind its place. */
  const late = (by: number) =>
    har([...Array.from({ length: by }, (_, n) => entry({ at: at(n + 1) })), entry({ at: at(0) })])
  const notesOf = async (sources: readonly Source[]) => {
    const { notes } = await audit(sources, { nowMs: 0, key: new Uint8Array(32), tempDir: folder() })
    return notes.filter((note) => note.includes('order of time'))
  }

  it('share the window that one has: memory stays flat', async () => {
    const others = () => Array.from({ length: 19 }, (_, n) => once(`other ${n}`, har([entry({ at: at(n) })])))
    expect(await notesOf([once('x', late(600))])).toEqual([])
    expect(await notesOf([once('x', late(600)), ...others()])).toEqual([
      'x was not in the order of time, and has been sorted: some of it came more than 500 entries late.',
    ])
    expect(await notesOf([once('x', late(400)), ...others()])).toEqual([])
  })
})
