import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'
import type { Task } from '../store/file-child.ts'

/** What a child said: a version, the answer to a lease, or what went wrong. */
export interface Said {
  readonly version?: number
  readonly granted?: boolean
  readonly code?: string
  readonly message?: string
}

/** A real process with a file store. */
export interface Child {
  readonly process: ChildProcess
  /** All that it has said so far. */
  readonly said: readonly Said[]
  /** Resolves when it has ended and everything is heard; with what it wrote to stderr. */
  readonly ended: Promise<string>
}

export function startChild(task: Task, onSaid: (said: Said) => void = () => {}): Child {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../store/file-child.ts'), JSON.stringify(task)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const said: Said[] = []
  createInterface(child.stdout).on('line', (line) => {
    const answer = JSON.parse(line) as Said
    said.push(answer)
    onSaid(answer)
  })
  let complaints = ''
  child.stderr.on('data', (chunk) => {
    complaints += chunk
  })
  return { process: child, said, ended: once(child, 'close').then(() => complaints) }
}

/** What one child answers to one task. */
export async function askChild(task: Task): Promise<Said | undefined> {
  const child = startChild(task)
  const complaints = await child.ended
  if (complaints !== '') throw new Error(complaints)
  return child.said[0]
}
