const WIDTH = 40
/** Shortest time between two looks of the bar, ms. */
const LOOK_MS = 200

/** How far it is, on stderr: a bar on a terminal, a line for each tenth anywhere else. */
export function createProgress(nowMs: () => number) {
  let shownAtMs = Number.NEGATIVE_INFINITY
  let shownTenth = -1
  return (part: number, text: string) => {
    const done = Math.min(1, Math.max(0, part))
    if (process.stderr.isTTY) {
      if (done < 1 && nowMs() - shownAtMs < LOOK_MS) return
      shownAtMs = nowMs()
      const bar = '#'.repeat(Math.floor(done * WIDTH)).padEnd(WIDTH, '.')
      process.stderr.write(`\r\u001b[K[${bar}] ${Math.floor(done * 100)} % ${text}${done === 1 ? '\n' : ''}`)
    } else if (Math.floor(done * 10) > shownTenth) {
      shownTenth = Math.floor(done * 10)
      process.stderr.write(`${Math.floor(done * 100)} %, ${text}\n`)
    }
  }
}
