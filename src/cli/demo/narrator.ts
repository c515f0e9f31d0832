import { styleText } from 'node:util'
import type { AuthEvent, TransitionEvent } from '../../client/events.ts'
import type { AuthStatus } from '../../client/status.ts'
import { duration } from '../../policy/words.ts'

type Style = Parameters<typeof styleText>[0]

/** Tells the day as it passes. */
export interface Narrator {
  /** Every event of the client. */
  onEvent(event: AuthEvent): void
  /** A caller got this: a status, or the code of an error. */
  answered(what: string | number): void
  scene(atMs: number, title: string, about: string): void
  say(atMs: number, text: string): void
  /** Prints what happened since the last time, and where that led. */
  flush(status: AuthStatus): void
  /** Prints the traffic that is still only counted. */
  end(): void
  readonly paint: (style: Style, text: string) => string
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const clockTime = (atMs: number) => new Date(atMs).toISOString().slice(11, 19)
/** `Mon 08:00:00`, UTC. */
export const dayTime = (atMs: number) => `${DAYS[new Date(atMs).getUTCDay()]} ${clockTime(atMs)}`

const TRANSIENT = new Set(['loading', 'resuming'])
const isResting = (state: string) => !TRANSIENT.has(state) && !state.startsWith('sending')

/** What a caller got, among the events. */
interface Answered {
  readonly type: 'answered'
  readonly what: string
}

/** Creates a {@link Narrator}; lines go to `print`. */
export function createNarrator(print: (line: string) => void, colour: boolean): Narrator {
  const paint = (style: Style, text: string) => (colour ? styleText(style, text, { validateStream: false }) : text)
  let events: (AuthEvent | Answered)[] = []
  let counted = new Map<string, number>()
  let shown = ''
  let shownGate = 'open'

  const clauses = (ids: readonly string[]) => {
    const named = ids.slice(0, 2)
    return named.length === 0 ? '' : paint('dim', ` [${named.join(', ')}]`)
  }
  const line = (atMs: number, mark: string, text: string) => print(`${paint('dim', dayTime(atMs))}  ${mark} ${text}`)

  const printCounted = () => {
    if (counted.size === 0) return
    const total = [...counted.values()].reduce((sum, count) => sum + count, 0)
    const each = [...counted].map(([what, count]) => (counted.size === 1 ? what : `${count} × ${what}`)).join(', ')
    const subject = total === 1 ? '1 API request' : `${total} API requests`
    print(`${' '.repeat(12)}  ${paint('dim', `· ${subject}: ${each}`)}`)
    counted = new Map()
  }

  let refused = 0
  const printRefused = (atMs: number) => {
    if (refused === 0) return
    line(atMs, paint('yellow', '←'), `the API refused the token: ${refused === 1 ? '401' : `${refused} × 401`}`)
    refused = 0
  }

  const told = new Set<string>()
  let held = ''
  const tell = (event: AuthEvent | Answered) => {
    if (event.type === 'answered') return void counted.set(event.what, (counted.get(event.what) ?? 0) + 1)
    if (event.type === 'transition') return
    if (event.type === 'request' && event.phase === 'sent') return
    if (event.type === 'request' && event.endpoint === 'api') {
      // What a caller gets is counted; what it does not get to see is told.
      if (event.status === 401) refused++
      return
    }
    printCounted()
    printRefused(event.atMs)
    if (event.type === 'finding') return line(event.atMs, paint('red', '!'), `${event.monitor}: ${event.evidence}`)
    if (event.type === 'error') return line(event.atMs, paint('red', '!'), event.error.message)
    const { endpoint, status = 'no answer', why, ids } = event
    const style = status === 200 ? 'green' : 'yellow'
    // A reason is told in full twice; then its ids do.
    const again = told.has(`${why} again`)
    told.add(told.has(why) ? `${why} again` : why)
    const reason = again ? clauses(ids.slice(0, 1)) : `  ${why}${clauses(ids)}`
    const text = `${paint(style, `${endpoint} → ${status}`)}${reason}`
    // What has been told twice shares a line with the state it leads to.
    if (again && status === 200) held = text
    else line(event.atMs, paint(style, '→'), text)
  }

  const deadlines = ({ state, generation, usableUntilMs, refreshAtMs }: AuthStatus) => {
    if (generation === 0) return ''
    const access = usableUntilMs === undefined ? 'access expired' : `access usable until ${clockTime(usableUntilMs)}`
    const refresh = state !== 'valid' || refreshAtMs === undefined ? '' : `, refresh due ${clockTime(refreshAtMs)}`
    return `  generation ${generation}: ${access}${refresh}`
  }

  const printState = (status: AuthStatus, steps: readonly TransitionEvent[]) => {
    const now = `${status.state} ${status.generation}`
    const last = steps.findLast(({ from, to }) => to === status.state && from !== to)
    if (now !== shown && isResting(status.state)) {
      printCounted()
      const stopped = status.state.startsWith('failed')
      const why = stopped && last !== undefined ? `  ${last.why}${clauses(last.ids)}` : ''
      const name = paint(stopped ? ['bold', 'red'] : ['bold', 'green'], status.state)
      const mark = held === '' ? paint('bold', '●') : paint('green', '→')
      const before = held === '' ? '' : `${held}  `
      line(last?.atMs ?? steps.at(-1)?.atMs ?? 0, mark, `${before}${name}${deadlines(status)}${why}`)
      held = ''
      shown = now
    }
    const gate = steps.findLast((step) => step.gate === status.gate && step.gate !== 'open')
    if (status.gate !== shownGate) {
      const atMs = gate?.atMs ?? steps.at(-1)?.atMs
      const untilMs = status.pausedUntilMs ?? status.backOffUntilMs
      if (atMs !== undefined && status.gate !== 'open') {
        printCounted()
        const until = untilMs === undefined ? '' : ` until ${clockTime(untilMs)}, ${duration(untilMs - atMs)}`
        line(atMs, paint('yellow', '◌'), `gate ${status.gate}${until}: no token request before`)
      }
      shownGate = status.gate
    }
  }

  return {
    paint,
    onEvent: (event) => void events.push(event),
    answered: (what) => void events.push({ type: 'answered', what: String(what) }),
    scene(atMs, title, about) {
      printCounted()
      print('')
      print(`${paint('bold', `${dayTime(atMs)}  ${title}`)}`)
      print(`${' '.repeat(14)}${paint('dim', about)}`)
    },
    say(atMs, text) {
      printCounted()
      line(atMs, paint('magenta', '*'), text)
    },
    flush(status) {
      const happened = events
      events = []
      for (const event of happened) tell(event)
      const steps = happened.filter((event) => event.type === 'transition')
      printState(status, steps)
    },
    end: printCounted,
  }
}
