import { writeFileSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, type TestContext, test } from 'vitest'
import { createSandbox } from '../../src/sandbox/index.ts'
import { describeWithDisk, mountDisk, unmount } from '../support/disks.ts'
import { run } from './run.ts'

/** The command line and what it leaves behind: each command is a process that starts with what the last one stored. */

const USERNAME = 'ada'
const PASSWORD = 'canary-of-a-password'

async function stage({ onTestFinished }: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'cli-store-'))
  const sandbox = createSandbox({ users: [{ username: USERNAME, password: PASSWORD }] })
  const listening = await sandbox.listen()
  onTestFinished(async () => {
    await listening.close()
    await rm(folder, { recursive: true })
  })
  const file = join(folder, 'state', 'tokens.db')
  const env: Record<string, string> = {
    COMPLIANCELY_BASE_URL: listening.url,
    COMPLIANCELY_USERNAME: USERNAME,
    COMPLIANCELY_PASSWORD: PASSWORD,
    COMPLIANCELY_STORE: file,
  }
  return { folder, file, sandbox, env, asked: () => sandbox.log.map(({ endpoint, status }) => `${endpoint} ${status}`) }
}

const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8)

describe('the command line on a file', { concurrent: true, timeout: 60_000 }, () => {
  test('started 20 times at once, prints one token 20 times after one sign-in', async (context) => {
    const { env, file, asked } = await stage(context)
    const all = await Promise.all(Array.from({ length: 20 }, () => run(['token'], { env })))
    expect(all.filter(({ code }) => code !== 0)).toEqual([])
    expect(all.map(({ stderr }) => stderr).join('')).toBe('')
    expect(new Set(all.map(({ stdout }) => stdout)).size).toBe(1)
    expect(asked()).toEqual(['create 200'])
    expect([await modeOf(dirname(file)), await modeOf(file)]).toEqual(['700', '600'])
  })

  test('a cron job that starts again does not forget a back-off', async (context) => {
    const { sandbox, env, asked } = await stage(context)
    sandbox.fail({ endpoint: 'create', status: 502, times: 9 })
    const codes = [await run(['token'], { env }), await run(['token'], { env }), await run(['token'], { env })]
    expect(codes.map(({ code }) => code)).toEqual([12, 12, 12])
    expect(asked()).toEqual(['create 502'])
  })

  test('logout holds until login; reset lifts what stopped the account', async (context) => {
    const { sandbox, env, asked } = await stage(context)
    const { COMPLIANCELY_PASSWORD: _, ...noPassword } = env
    await run(['token'], { env })
    expect((await run(['validate'], { env: noPassword })).code).toBe(0)
    expect((await run(['logout'], { env: noPassword })).code).toBe(0)
    expect((await run(['validate'], { env: noPassword })).code).toBe(1)
    const refused = await run(['token'], { env })
    expect([refused.code, refused.stdout]).toEqual([1, ''])
    expect((await run(['login'], { env })).code).toBe(0)
    const held = await run(['token'], { env })
    expect((await run(['refresh'], { env })).code).toBe(0)
    expect((await run(['token'], { env })).stdout).not.toBe(held.stdout)
    expect(asked()).toEqual(['create 200', 'validate 200', 'create 200', 'refresh 200'])
    sandbox.fail({ endpoint: 'create', status: 400 })
    await run(['reset'], { env: noPassword })
    expect((await run(['token'], { env })).code).toBe(14)
    expect((await run(['token'], { env })).code).toBe(14)
    await run(['reset'], { env: noPassword })
    expect((await run(['token'], { env })).code).toBe(0)
  })

  test('a store that others can read exits 13, says what mends it, and nothing is sent', async (context) => {
    const { env, file, asked } = await stage(context)
    await run(['logout'], { env })
    await chmod(file, 0o644)
    for (const command of ['token', 'status', 'logout']) {
      const { code, stdout, stderr } = await run([command], { env })
      expect([command, code, stdout]).toEqual([command, 13, ''])
      expect(stderr).toContain(`chmod 600 ${file}`)
    }
    expect(asked()).toEqual([])
  })

  test('a file of something else is left as it is: 13', async (context) => {
    const { env, folder, asked } = await stage(context)
    const file = join(folder, 'notes.txt')
    await writeFile(file, 'not a database, but somebody needs it', { mode: 0o600 })
    const { code, stderr } = await run(['token'], { env: { ...env, COMPLIANCELY_STORE: file } })
    expect(code).toBe(13)
    expect(stderr).toContain(file)
    expect(asked()).toEqual([])
  })

  test('a key encrypts the file; another one is an error that destroys nothing', async (context) => {
    const { env, file, asked } = await stage(context)
    const key = Buffer.alloc(32, 7).toString('base64')
    const sealed = { ...env, COMPLIANCELY_STORE_KEY: key }
    const { stdout } = await run(['token'], { env: sealed })
    const other = await run(['token'], {
      env: { ...env, COMPLIANCELY_STORE_KEY: Buffer.alloc(32, 8).toString('base64') },
    })
    const none = await run(['token'], { env })
    expect([other.code, none.code]).toEqual([13, 13])
    expect(other.stderr + none.stderr).not.toContain(key)
    expect(other.stderr).toContain(file)
    expect((await run(['token'], { env: sealed })).stdout).toBe(stdout)
    expect(asked()).toEqual(['create 200'])
    const malformed = await run(['token'], { env: { ...env, COMPLIANCELY_STORE_KEY: 'canary' } })
    expect(malformed.code).toBe(2)
    expect(malformed.stderr).not.toContain('canary')
  })

  test.for(['"redis://a:canary@127.0.0.1:1/0"', 'a:canary@127.0.0.1:6379', '//a:canary@127.0.0.1/0'])(
    'an address that is none makes no file, and is not quoted: %s',
    async (store, context) => {
      const { env, asked } = await stage(context)
      const { code, stderr } = await run(['token'], { env: { ...env, COMPLIANCELY_STORE: store } })
      expect(code).toBe(2)
      expect(stderr).not.toContain('canary')
      expect(asked()).toEqual([])
    },
  )

  test('SIGTERM while a sign-in is on its way waits until it is stored', async (context) => {
    const { sandbox, env, asked } = await stage(context)
    sandbox.fail({ endpoint: 'create', replyLatencyMs: 300 })
    const stopped = await run(['token'], {
      env,
      during: (child) => {
        const look = setInterval(() => {
          if (sandbox.pending() === 0) return
          clearInterval(look)
          child.kill('SIGTERM')
        }, 5)
      },
    })
    expect([stopped.code, stopped.stdout]).toEqual([130, ''])
    expect((await run(['token'], { env })).code).toBe(0)
    expect(asked()).toEqual(['create 200'])
  })

  test('a Redis that is not there exits 13, names it without its password, and nothing is sent', async (context) => {
    const { env, asked } = await stage(context)
    const store = 'redis://canary-user:canary-password@127.0.0.1:1/0'
    const { code, stderr } = await run(['token'], { env: { ...env, COMPLIANCELY_STORE: store } })
    expect(code).toBe(13)
    expect(stderr).toContain('127.0.0.1:1')
    expect(stderr).not.toContain('canary')
    expect(asked()).toEqual([])
  })
})

describeWithDisk('a command whose disk is full', () => {
  test.for(['logout', 'reset', 'refresh'])(
    '%s does not end well where nothing could be stored',
    { timeout: 60_000 },
    async (command, context) => {
      const { folder, env, sandbox } = await stage(context)
      const disk = join(folder, 'disk')
      await mkdir(disk, { mode: 0o700 })
      expect(mountDisk(disk, 512)).toBe(true)
      context.onTestFinished(() => unmount(disk))
      const onDisk = { ...env, COMPLIANCELY_STORE: join(disk, 'tokens.db') }
      expect((await run(['token'], { env: onDisk })).code).toBe(0)
      // The refresh fails after the server has rotated; the others have nothing to send.
      const fill = () => writeFileSync(join(disk, 'filler'), Buffer.alloc(600_000))
      if (command === 'refresh') sandbox.onRequest(() => expect(fill).toThrow('ENOSPC'))
      else expect(fill).toThrow('ENOSPC')
      const { code, stderr } = await run([command], { env: onDisk })
      expect(code).toBe(13)
      expect(stderr).toContain('no room')
    },
  )
})
