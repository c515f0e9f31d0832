import { spawn } from 'node:child_process'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createSandbox, type SandboxOptions } from '../../src/sandbox/index.ts'

/** Runs a module in a process of its own against a sandbox that listens here; tells how and when it ended. */
async function run(source: string, options: SandboxOptions = {}) {
  const sandbox = createSandbox(options)
  const { url, close } = await sandbox.listen()
  onTestFinished(close)
  const program = `
    import { createAuthClient } from './src/index.ts'
    const options = { baseURL: '${url}', credentials: { username: 'demo', password: 'demo-password' } }
    ${source}`
  const startedMs = performance.now()
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program])
  let [stdout, stderr] = ['', '']
  let printedAtMs = startedMs
  child.stdout.on('data', (chunk) => {
    stdout += chunk
    printedAtMs = performance.now()
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  onTestFinished(() => void child.kill())
  const code = await new Promise((resolve) => child.on('close', resolve))
  return {
    code,
    stdout: stdout.trim(),
    stderr,
    sandbox,
    idleMs: performance.now() - printedAtMs,
    tookMs: performance.now() - startedMs,
  }
}

describe('an idle process', () => {
  it('exits by itself, though a refresh is due in 45 minutes and nobody closed the client', async () => {
    const { code, stdout, idleMs, sandbox } = await run(`
      const auth = createAuthClient(options)
      console.log((await auth.getAccessToken()).split('.').length)`)
    expect({ code, stdout }).toEqual({ code: 0, stdout: '3' })
    expect(idleMs).toBeLessThan(3_000)
    expect(sandbox.log).toHaveLength(1)
  })

  it('exits though a pause runs that nobody waits for', async () => {
    const { code, stdout, tookMs } = await run(
      `
      const auth = createAuthClient(options)
      await auth.getAccessToken().catch((error) => console.log(error.code))`,
      { faults: [{ endpoint: 'create', status: 429 }] },
    )
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'THROTTLED' })
    expect(tookMs).toBeLessThan(10_000)
  })

  it('stays alive for one who waits for the end of a pause', async () => {
    const { code, stdout, stderr, sandbox } = await run(
      `
      const auth = createAuthClient({ ...options, policy: { pauseMs: 1500 } })
      console.log((await auth.getAccessToken({ waitForPause: true, timeoutMs: 20_000 })).split('.').length)`,
      { faults: [{ endpoint: 'create', status: 429 }] },
    )
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '3', stderr: '' })
    const [first, second] = sandbox.log
    expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThanOrEqual(1_490)
  })
})
