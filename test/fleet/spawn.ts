import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Orders, Told } from './member.ts'

const MEMBER = fileURLToPath(new URL('./member.ts', import.meta.url))

/** How a process of the fleet ended. */
export interface Ended {
  readonly told: Told
  readonly signal: NodeJS.Signals | null
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
      resolve({ told: JSON.parse(stdout) as Told, signal })
    })
  })
}

/** Starts as many at once, with the same orders but for what `differ` says of each. */
export const fleet = (size: number, orders: Orders, differ: (index: number) => Partial<Orders> = () => ({})) =>
  Promise.all(Array.from({ length: size }, (_, index) => member({ ...orders, ...differ(index) })))
