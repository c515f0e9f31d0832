import { stat } from 'node:fs/promises'

const WIDTH = 30
/** Shortest way between two looks of the bar, of the whole. */
const STEP = 0.005

/** How far files are read, as a bar on a terminal's standard error; nothing elsewhere. */
export async function createProgress(files: readonly string[], isTerminal: boolean) {
  const sizes = await Promise.all(
    files.map((file) =>
      stat(file).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  )
  const total = sizes.reduce((sum, size) => sum + size, 0)
  const isShown = isTerminal && total > 0 && !files.includes('-')
  let read = 0
  let shown = Number.NEGATIVE_INFINITY
  return {
    add(bytes: number) {
      read += bytes
      const part = Math.min(1, read / total)
      if (!isShown || part - shown < STEP) return
      shown = part
      process.stderr.write(`\r[${'#'.repeat(Math.floor(part * WIDTH)).padEnd(WIDTH, '.')}] ${Math.floor(part * 100)} %`)
    },
    end() {
      if (isShown && read > 0) process.stderr.write('\r\u001b[K')
    },
  }
}
