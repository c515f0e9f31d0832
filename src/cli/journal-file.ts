import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import { note } from './output.ts'
import { UsageError } from './usage.ts'

/** The option of every command that may send something. */
export const JOURNAL_OPTION = { journal: { type: 'string' } } as const
export const JOURNAL_HELP = `  --journal FILE     append what is sent and asked to FILE, for an audit; nothing secret`

/** A journal that a command appends to. */
export interface JournalFile {
  readonly stream: WritableStream<string>
  close(): void
}

const NEWLINE = 0x0a

/**
 * Opens a journal before anything is sent; a new file is readable by its owner alone. Each line is one write, so that
 * commands that run at once may share a file and one that is killed has written what it sent.
 *
 * @throws {UsageError} when it cannot be written
 */
export function openJournal(path: string): JournalFile {
  const trouble = (error: unknown) =>
    new UsageError(`--journal ${path} cannot be written (${codeOf(error)}); nothing was sent`)
  let file: number
  try {
    file = openSync(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT, 0o600)
  } catch (error) {
    throw trouble(error)
  }
  try {
    endLine(file)
  } catch (error) {
    closeSync(file)
    throw trouble(error)
  }
  return {
    stream: new WritableStream<string>({
      write(line) {
        try {
          writeWhole(file, line)
        } catch (error) {
          note(`--journal ${path} cannot be written any more (${codeOf(error)}): it ends here, and the command goes on`)
          throw error
        }
      },
    }),
    close: () => closeSync(file),
  }
}

const codeOf = (error: unknown) => (Object(error) as { code?: string }).code ?? 'failed'

/** Whoever was killed here left half a line, which must not take ours with it. */
function endLine(file: number): void {
  const stat = fstatSync(file)
  if (!stat.isFile() || stat.size === 0) return
  const last = Buffer.alloc(1)
  readSync(file, last, 0, 1, stat.size - 1)
  if (last[0] !== NEWLINE) writeSync(file, '\n')
}

function writeWhole(file: number, line: string): void {
  const bytes = Buffer.from(line)
  for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written)
}
