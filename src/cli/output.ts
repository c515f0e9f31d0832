import { visibleLine } from '../audit/reports/words.ts'
import { AuthError } from '../errors.ts'
import { EXIT, exitCodeOf } from './exit-codes.ts'
import { UsageError } from './usage.ts'

/** What a command is given: its arguments, and how it is told to stop. */
export interface Invocation {
  readonly argv: readonly string[]
  readonly env: NodeJS.ProcessEnv
  /** Fires on the first Ctrl-C. */
  readonly signal: AbortSignal
}

/** Data. */
export const print = (data: string | Uint8Array): void => void process.stdout.write(data)

/** Everything else, on one line; it may name files and repeat arguments, and neither may steer a terminal. */
export const note = (line: string): void => void process.stderr.write(`compliancely-auth: ${visibleLine(line)}\n`)

/** Something that was to be said is lost: a disk is full. */
export class UnwritableOutput extends Error {
  override readonly name = 'UnwritableOutput'

  /** @param what `standard output` */
  constructor(what: string, error: unknown) {
    super(`${what} cannot be written (${(Object(error) as { code?: string }).code ?? 'unknown'})`)
  }
}

/** Says what went wrong, and gives the exit code. Prints messages only: a `cause` is for programs. */
export function reportError(error: unknown): number {
  if (error instanceof UsageError) {
    note(error.message)
    note('run compliancely-auth --help for what can be said')
    return EXIT.usage
  }
  if (error instanceof UnwritableOutput) {
    note(error.message)
    return EXIT.unwritable
  }
  if (error instanceof AuthError) {
    const { message, code, clause } = error
    note(`${message} [${[code, ...(clause === undefined || message.includes(clause) ? [] : [clause])].join(', ')}]`)
    if (error.retryAtMs !== undefined) note(`until ${new Date(error.retryAtMs).toISOString()}`)
    return exitCodeOf(error.code)
  }
  if (error instanceof Error && error.name === 'AbortError') {
    note('interrupted')
    return EXIT.interrupted
  }
  // What `fetch` throws when nobody is there; the reason is in its cause.
  if (error instanceof TypeError && error.message === 'fetch failed') {
    const { code = 'no connection' } = (error.cause ?? {}) as { code?: string }
    note(`the API could not be reached (${code})`)
    return EXIT.unavailable
  }
  note(error instanceof Error ? `${error.name}: ${error.message}` : 'failed')
  return EXIT.unavailable
}
