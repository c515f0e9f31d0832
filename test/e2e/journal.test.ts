import { appendFile, mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, type TestContext, test } from 'vitest'
import { createMonitors, judge, judging } from '../../src/monitors/index.ts'
import { createSandbox } from '../../src/sandbox/index.ts'
import { momentsIn, readJournal } from '../support/journal.ts'
import { run } from './run.ts'

const USERNAME = 'ada-canary'
const PASSWORD = 'canary-of-a-password'

async function stage({ onTestFinished }: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'cli-journal-'))
  const sandbox = createSandbox({ users: [{ username: USERNAME, password: PASSWORD }] })
  const listening = await sandbox.listen()
  onTestFinished(async () => {
    await listening.close()
    await rm(folder, { recursive: true })
  })
  const env = {
    COMPLIANCELY_BASE_URL: listening.url,
    COMPLIANCELY_USERNAME: USERNAME,
    COMPLIANCELY_PASSWORD: PASSWORD,
    COMPLIANCELY_STORE: join(folder, 'tokens.db'),
  }
  return { env, sandbox, journal: join(folder, 'journal.jsonl'), folder }
}

const headersIn = (text: string) => text.split('\n').filter((line) => line.startsWith('{"journal"'))

describe('--journal', { concurrent: true, timeout: 60_000 }, () => {
  test('commands append to one file, each with its header, and break no rule', async (context) => {
    const { env, sandbox, journal } = await stage(context)
    const commands = [
      ['login'],
      ['token'],
      ['request', 'GET', '/api/v2/whoami/?q=canary'],
      ['validate'],
      ['refresh'],
      ['logout'],
      ['login'],
      ['reset'],
    ]
    for (const command of commands) {
      const { code, stderr } = await run([...command, '--journal', journal], { env })
      expect({ command, code, stderr }).toEqual({ command, code: 0, stderr: '' })
    }
    expect(((await stat(journal)).mode & 0o777).toString(8)).toBe('600')
    const text = await readFile(journal, 'utf8')
    expect(text).not.toMatch(/canary|eyJ/)
    expect(headersIn(text)).toHaveLength(commands.length)
    const { items, error, abilities } = await readJournal(text)
    expect(error).toBeUndefined()
    const moments = momentsIn(items)
    const sent = moments.flatMap((moment) => (moment.kind === 'sent' ? [moment.request.endpoint] : []))
    expect(sent).toEqual(sandbox.log.map(({ endpoint }) => endpoint))
    expect(new Set(items.map((item) => (item.kind === 'skipped' ? item.why : item.account))).size).toBe(1)
    expect(judge(moments, judging(createMonitors(), abilities.tells))).toEqual([])
  })

  test('commands that run at once share a file; half a line of one that was killed harms nobody', async (context) => {
    const { env, journal } = await stage(context)
    await run(['token', '--journal', journal], { env })
    await appendFile(journal, '{"kind":"sent","by":"0123')
    const many = Array.from({ length: 8 }, () =>
      run(['request', 'GET', '/api/v2/whoami/', '--journal', journal], { env }),
    )
    expect((await Promise.all(many)).map(({ code }) => code)).toEqual(many.map(() => 0))
    const text = await readFile(journal, 'utf8')
    expect(headersIn(text)).toHaveLength(9)
    const { items } = await readJournal(text)
    expect(items.filter(({ kind }) => kind === 'exchange')).toHaveLength(9)
    expect(items.filter(({ kind }) => kind === 'skipped')).toHaveLength(1)
  })

  test('a file that cannot be written exits 2, and nothing is sent', async (context) => {
    const { env, sandbox, folder } = await stage(context)
    const path = join(folder, 'nowhere', 'journal.jsonl')
    const { code, stdout, stderr } = await run(['token', '--journal', path], { env })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(`--journal ${path} cannot be written (ENOENT); nothing was sent`)
    expect(sandbox.log).toEqual([])
  })

  test('a disk that is full ends the journal, and not the command', async (context) => {
    const { env } = await stage(context)
    const { code, stdout, stderr } = await run(['token', '--journal', '/dev/full'], { env })
    expect(code).toBe(0)
    expect(stdout).toMatch(/^eyJ/)
    expect(stderr.match(/cannot be written any more \(ENOSPC\)/g)).toHaveLength(1)
  })
})
