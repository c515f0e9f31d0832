import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Orders, Told } from './member.ts'

const MEMBER = fileURLToPath(new URL('./member.ts', import.meta.url))

/** How a process of the fleet ended. */
export interface Ended {
  /** What it told; `undefined` where it was killed. */
  readonly told: Told | undefined
  readonly signal: NodeJS.Signals | null
  readonly pid: number
}

/** Starts one process of the fleet. Rejects where it ends by itself and not well. */
export function member(orders: Orders): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MEMBER, JSON.stringify(orders)], { stdio: ['ignore', 'pipe', 'pipe'] })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text))
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (code !== 0 && signal === null) return reject(new Error(`a member of the fleet exited ${code}: ${stderr}`))
      const pid = child.pid ?? 0
      resolve({ told: signal === null ? (JSON.parse(stdout) as Told) : undefined, signal, pid })
    })
  })
}

/** Starts as many at once, with the same orders but for what `differ` says of each. */
export const fleet = (size: number, orders: Orders, differ: (index: number) => Partial<Orders> = () => ({})) =>
  Promise.all(Array.from({ length: size }, (_, index) => member({ ...orders, ...differ(index) })))
