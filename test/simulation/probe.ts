import type { AuthError } from '../../src/index.ts'
import type { Callers } from './callers.ts'
import { LATCHED, LONGEST_BACK_OFF_MS, LONGEST_RETRY_AFTER_MS, SLACK_MS, USERNAME } from './limits.ts'
import type { Process } from './process.ts'
import type { Processes } from './processes.ts'
import type { Setting } from './setting.ts'
import { SECOND } from './units.ts'

/** Liveness: all faults end, and from then on a client has one pause and one back-off to serve a token. */
export const probing = (setting: Setting, { wake }: Processes, callers: Callers) => {
  const { clock, machines, usual, sandbox, state, trace } = setting
  const { note, count, violate } = trace
  const { expectEnd, usable, demanded, mend } = callers
  return (process: Process) => {
    state.calm = true
    note(process.name, 'is probed: all is well from now on')
    count('happened', 'probes')
    sandbox.clearFaults()
    sandbox.set({ ...usual, forbidden403: false, rotationRaceMs: 0 })
    state.lagMs = 0
    sandbox.setActive(USERNAME, true)
    state.storeDown = false
    for (const machine of machines) wake(machine)
    let sinceMs = clock.now()
    let mended = 0
    const over = () => {
      state.calm = false
    }
    const ask = () => {
      if (!process.alive) return over()
      demanded(process)
      const served = (token: string) => {
        usable(process, token, 0)
        over()
      }
      const refused = (error: unknown) => {
        if (error === undefined) return
        const { code } = error as AuthError
        if (LATCHED.includes(code) || process.slot.password !== state.password) {
          if (mended++ > 3) violate('liveness', `still ${code} after ${mended} commands of an operator`, process.name)
          mend(process)
          sinceMs = clock.now()
        }
        if (clock.now() - sinceMs > LONGEST_RETRY_AFTER_MS + LONGEST_BACK_OFF_MS + SLACK_MS) {
          violate(
            'liveness',
            `no token ${clock.now() - sinceMs} ms after the faults had stopped: ${code}`,
            process.name,
          )
          return over()
        }
        clock.setTimeout(ask, 20 * SECOND)
      }
      expectEnd(process, 'probe', 90 * SECOND, process.auth.getAccessToken(), served, refused)
    }
    ask()
  }
}
