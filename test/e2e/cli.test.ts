import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, type TestContext, test } from 'vitest'
import { createSandbox, type Sandbox } from '../../src/sandbox/index.ts'
import { type Ran, run } from './run.ts'

const USERNAME = 'ada'
const PASSWORD = 'canary-of-a-password'
const JWT = /^eyJ[\w-]+\.[\w-]+\.[\w-]+\n$/

interface Stage {
  readonly sandbox: Sandbox
  readonly env: Record<string, string>
  /** What the server was asked, in order: `create 200`. */
  readonly asked: () => string[]
}

/** The hook is the test's own: of tests that run at once, the imported one may take another. */
async function stage({ onTestFinished }: TestContext): Promise<Stage> {
  const sandbox = createSandbox({ users: [{ username: USERNAME, password: PASSWORD }] })
  const listening = await sandbox.listen()
  onTestFinished(() => listening.close())
  const env = { COMPLIANCELY_BASE_URL: listening.url, COMPLIANCELY_USERNAME: USERNAME, COMPLIANCELY_PASSWORD: PASSWORD }
  return { sandbox, env, asked: () => sandbox.log.map(({ endpoint, status }) => `${endpoint} ${status}`) }
}

const secretsIn = ({ stdout, stderr }: Ran) => (stdout + stderr).match(/canary-of-a-\w+|eyJ[\w-]+/g) ?? []

describe('token', { concurrent: true, timeout: 30_000 }, () => {
  test('prints one JWT and a newline, and nothing else', async (context) => {
    const { env, asked } = await stage(context)
    const { code, stdout, stderr } = await run(['token'], { env })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(JWT)
    expect(asked()).toEqual(['create 200'])
  })

  test('takes the password from standard input', async (context) => {
    const { env } = await stage(context)
    const { COMPLIANCELY_PASSWORD: _, ...rest } = env
    const { code, stdout, stderr } = await run(['token', '--password-stdin'], { env: rest, stdin: `${PASSWORD}\n` })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(JWT)
  })

  test('a wrong password exits 10 after exactly one create', async (context) => {
    const { env, asked } = await stage(context)
    const ran = await run(['token'], { env: { ...env, COMPLIANCELY_PASSWORD: 'canary-of-a-wrong' } })
    expect(ran.code).toBe(10)
    expect(ran.stdout).toBe('')
    expect(ran.stderr).toContain('no-retry-on-invalid-credentials')
    expect(asked()).toEqual(['create 401'])
    expect(secretsIn(ran)).toEqual([])
  })

  test('throttled exits 11, and says until when', async (context) => {
    const { sandbox, env, asked } = await stage(context)
    sandbox.fail({ endpoint: 'create', status: 429 })
    const ran = await run(['token'], { env })
    expect(ran.code).toBe(11)
    const until = /until (\d{4}-\S+Z)/.exec(ran.stderr)?.[1] ?? ''
    const pauseMs = Date.parse(until) - (sandbox.log[0]?.answeredAtMs ?? 0)
    expect(pauseMs).toBeGreaterThanOrEqual(600_000 - 5)
    expect(pauseMs).toBeLessThan(605_000)
    expect(asked()).toEqual(['create 429'])
    expect(secretsIn(ran)).toEqual([])
  })

  test.for([500, 502, 504])('a sign-in answered %i exits 12, and is not repeated', async (status, context) => {
    const { sandbox, env, asked } = await stage(context)
    sandbox.fail({ endpoint: 'create', status })
    const ran = await run(['token'], { env })
    expect(ran.code).toBe(12)
    expect(asked()).toEqual([`create ${status}`])
    expect(secretsIn(ran)).toEqual([])
  })

  test('nobody there exits 12', async (context) => {
    const { env } = await stage(context)
    const ran = await run(['token'], { env: { ...env, COMPLIANCELY_BASE_URL: 'http://127.0.0.1:1' } })
    expect(ran.code).toBe(12)
    expect(secretsIn(ran)).toEqual([])
  })

  test('a sign-in answered 400 exits 14', async (context) => {
    const { sandbox, env, asked } = await stage(context)
    sandbox.fail({ endpoint: 'create', status: 400 })
    expect((await run(['token'], { env })).code).toBe(14)
    expect(asked()).toEqual(['create 400'])
  })

  test('Ctrl-C while a sign-in hangs exits 130', async (context) => {
    const { sandbox, env } = await stage(context)
    sandbox.fail({ endpoint: 'create', hang: 'before' })
    const ran = await run(['token'], {
      env,
      during: (child) => {
        const look = setInterval(() => {
          if (sandbox.pending() === 0) return
          clearInterval(look)
          child.kill('SIGINT')
          // The command stays for the request in flight; a second one does not wait for that.
          child.stderr?.once('data', () => child.kill('SIGINT'))
        }, 5)
      },
    })
    expect(ran.code).toBe(130)
    expect(ran.stdout).toBe('')
  })
})

describe('request', { concurrent: true, timeout: 30_000 }, () => {
  test('prints the body of the answer', async (context) => {
    const { env, asked } = await stage(context)
    const ran = await run(['request', 'GET', '/api/v2/whoami/'], { env })
    expect(JSON.parse(ran.stdout)).toMatchObject({ username: USERNAME })
    expect(ran.stderr).toBe('')
    expect(ran.code).toBe(0)
    expect(asked()).toEqual(['create 200', 'api 200'])
    expect(secretsIn(ran)).toEqual([])
  })

  test('sends JSON from the argument, a file and standard input', async (context) => {
    const { env } = await stage(context)
    const body = JSON.stringify({ tin: '12-3456789', name: 'Ada' })
    const folder = await mkdtemp(join(tmpdir(), 'compliancely-'))
    context.onTestFinished(() => rm(folder, { recursive: true }))
    const file = join(folder, 'body.json')
    await writeFile(file, body)
    const post = (data: string, stdin = '') =>
      run(['request', 'post', '/api/v2/taxexempt/', '--data', data], { env, stdin })
    const all = await Promise.all([post(body), post(`@${file}`), post('-', body)])
    for (const { code, stdout } of all) {
      expect(JSON.parse(stdout)).toMatchObject({ success: true, data: { name: 'Ada' } })
      expect(code).toBe(0)
    }
  })

  test('an answer of 400 or above exits 16, and its body is still printed', async (context) => {
    const { env, asked } = await stage(context)
    const ran = await run(['request', 'GET', '/api/v2/status/418/'], { env })
    expect(ran.code).toBe(16)
    expect(JSON.parse(ran.stdout)).toHaveProperty('detail')
    expect(ran.stderr).toContain('418')
    expect(asked()).toEqual(['create 200', 'api 418'])
  })

  test('a young token that the API refuses is not refreshed: 16', async (context) => {
    const { sandbox, env, asked } = await stage(context)
    sandbox.fail({ endpoint: 'api', status: 401 })
    expect((await run(['request', 'GET', '/api/v2/whoami/'], { env })).code).toBe(16)
    expect(asked()).toEqual(['create 200', 'api 401'])
  })

  test('API V1 is refused before anything is sent', async (context) => {
    const { env, asked } = await stage(context)
    const { code, stderr } = await run(['request', 'GET', '/api/v1/whoami/'], { env })
    expect(code).toBe(2)
    expect(stderr).toContain('no-api-v1')
    expect(asked()).toEqual([])
  })

  test('a file that cannot be read exits 3, and nothing is sent', async (context) => {
    const { env, asked } = await stage(context)
    expect((await run(['request', 'POST', '/x/', '--data', '@/nowhere/body.json'], { env })).code).toBe(3)
    expect(asked()).toEqual([])
  })
})

describe('status', { concurrent: true, timeout: 30_000 }, () => {
  test('--json says what is held, and nothing is sent', async (context) => {
    const { env, asked } = await stage(context)
    const ran = await run(['status', '--json'], { env })
    expect(JSON.parse(ran.stdout)).toMatchObject({
      state: 'unauthenticated',
      gate: 'open',
      generation: 0,
      budgetLeft: 10,
    })
    expect(ran.code).toBe(0)
    expect(asked()).toEqual([])
  })

  test('without --json it is for people, and needs no password', async (context) => {
    const { env } = await stage(context)
    const { COMPLIANCELY_PASSWORD: _, ...rest } = env
    const { code, stdout } = await run(['status'], { env: rest })
    expect(stdout).toMatch(/^state +unauthenticated$/m)
    expect(code).toBe(0)
  })
})

describe('demo --live', { timeout: 30_000 }, () => {
  test('one sign-in, one validate, one request', async (context) => {
    const { env, asked } = await stage(context)
    const ran = await run(['demo', '--live'], { env })
    expect(ran.code).toBe(0)
    expect(asked()).toEqual(['create 200', 'validate 200', 'api 200'])
    expect(secretsIn(ran)).toEqual([])
  })
})

describe('usage', { concurrent: true, timeout: 30_000 }, () => {
  test.each([
    [[], 'a command is needed'],
    [['tokn'], 'did you mean token'],
    [['--verson'], 'did you mean --version'],
    [['token', '--pasword-stdin'], 'did you mean --password-stdin'],
    [['token', '--password-stdin=x'], 'takes no value'],
    [['token', 'extra'], `unexpected argument 'extra'`],
    [['token'], 'missing: COMPLIANCELY_USERNAME, COMPLIANCELY_PASSWORD'],
    [['status'], 'missing: COMPLIANCELY_USERNAME'],
    [['request', 'GET'], 'PATH'],
    [['request', 'GET', 'whoami'], 'begins with /'],
    [['request', 'POST', '/x/', '--data'], '--data needs a value'],
    [['request', 'POST', '/x/', '--data', '-', '--password-stdin'], 'standard input'],
  ])('%j exits 2 and says %j', async (args, said) => {
    const { code, stdout, stderr } = await run(args)
    expect(code).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toContain(said)
  })

  test('data that is not JSON, and stores of an unknown kind, exit 2', async () => {
    const env = { COMPLIANCELY_USERNAME: 'a', COMPLIANCELY_PASSWORD: 'b' }
    expect((await run(['request', 'POST', '/x/', '--data', '{'], { env })).code).toBe(2)
    const { code, stderr } = await run(['token'], { env: { ...env, COMPLIANCELY_STORE: 'mysql://user:canary@host' } })
    expect(code).toBe(2)
    expect(stderr).toContain('looks like an address, but is a file path, memory:, redis://… or rediss://…')
    expect(stderr).not.toContain('canary')
  })

  test('http to a host that is not this machine exits 2', async () => {
    const env = { COMPLIANCELY_USERNAME: 'a', COMPLIANCELY_PASSWORD: 'b', COMPLIANCELY_BASE_URL: 'http://example.com' }
    const { code, stderr } = await run(['token'], { env })
    expect(code).toBe(2)
    expect(stderr).toContain('baseURL')
  })

  test('help and version', async () => {
    const [help, helpOf, own, version] = await Promise.all(
      [['--help'], ['help', 'token'], ['token', '--help'], ['--version']].map((args) => run(args)),
    )
    expect(help?.stdout).toContain('Exit codes')
    expect(helpOf?.stdout).toBe(own?.stdout)
    expect(version?.stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
    expect([help, helpOf, own, version].map((ran) => ran?.code)).toEqual([0, 0, 0, 0])
  })

  test('a reader that goes away ends the demo quietly', async () => {
    const ran = await run(['demo'], {
      during: (child) => void child.stdout?.once('data', () => child.stdout?.destroy()),
    })
    expect(ran.code).toBe(141)
    expect(ran.stderr).toBe('')
  })
})
