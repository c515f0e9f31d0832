import { inspect } from 'node:util'
import type { AuthEvent } from '../../src/index.ts'
import { PASSWORD } from './limits.ts'
import type { Process } from './process.ts'
import type { Setting } from './setting.ts'

/** Looks through what the clients give out, for secrets. */
export function createOutputs({ clock, judge, trace }: Setting) {
  const { note, violate } = trace
  const onEvent = (process: Process) => (event: AuthEvent) => {
    if (!process.alive) return
    if (event.type === 'transition') {
      note(process.name, `${event.from} -> ${event.to} [${event.gate}] ${event.event}`)
      if (event.from.startsWith('sending')) judge.knows(process)
      if (event.to.startsWith('sending')) process.busySinceMs = clock.now()
    }
    if (event.type === 'error')
      return tellTale(inspect(event, { depth: 8, showHidden: true }), 'an error event', process)
    for (const value of Object.values(event)) {
      if (typeof value !== 'string' || harmless.has(value)) continue
      tellTale(value, `an event '${event.type}'`, process)
      if (harmless.size < 1000) harmless.add(value)
    }
  }
  /** Texts that were looked at. */
  const harmless = new Set<string>()
  const tellTale = (text: string, where: string, process: Process) => {
    if (text.includes('eyJ') || text.includes(PASSWORD)) violate('no-secrets', `in ${where}`, process.name)
  }

  return { onEvent, tellTale }
}
