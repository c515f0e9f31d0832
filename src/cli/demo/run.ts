import { createAuthClient } from '../../client/client.ts'
import { createSandbox } from '../../sandbox/index.ts'
import { virtualClock } from '../../virtual-clock.ts'
import { EXIT } from '../exit-codes.ts'
import { print } from '../output.ts'
import { createDay } from './day.ts'
import { createNarrator } from './narrator.ts'
import type { Sabotage } from './sabotage.ts'
import { NEIGHBOUR, scenesOf, USER } from './scenes.ts'
import { summarize } from './summary.ts'
import { createWire } from './wire.ts'

/** How the day is lived. */
export interface DayOptions {
  readonly seed: number
  readonly accidents: boolean
  readonly sabotage: Sabotage | undefined
  readonly colour: boolean
  readonly signal: AbortSignal
}

/** Lives the day and says what the server's log shows; the exit code. */
export async function runDay({ seed, accidents, sabotage, colour, signal }: DayOptions): Promise<number> {
  const printLine = (line: string) => print(`${line}\n`)
  const narrator = createNarrator(printLine, colour)
  const clock = virtualClock()
  const sandbox = createSandbox({ clock, users: [USER, NEIGHBOUR] })
  const listening = await sandbox.listen()
  const wire = createWire(clock)
  const random = seeded(seed)

  const tell = (what: string) => narrator.say(clock.now(), `sabotage: ${what}`)
  const send = sabotage?.wrap({ send: wire.send, clock, tell }) ?? wire.send
  const auth = createAuthClient({
    baseURL: listening.url,
    credentials: USER,
    clock,
    random: seeded(seed + 1),
    // The whole of it: between two sends of a sabotage no time passes either.
    fetch: (input, init) => clock.hold(send(new Request(input, init))),
    onEvent: narrator.onEvent,
  })

  const startedAtMs = clock.now()
  printLine(`A simulated V2 server listens on ${listening.url}. Times are UTC on one virtual clock, seed ${seed}.`)
  if (sabotage !== undefined) printLine(`The client is broken on purpose: it ${sabotage.what}.`)
  const day = createDay({ clock, sandbox, auth, wire, narrator, random, url: listening.url, signal })
  try {
    await clock.settle()
    for (const scene of scenesOf(accidents)) {
      narrator.scene(clock.now(), scene.title, scene.about)
      await scene.play(day)
    }
    narrator.end()
    const hours = Math.round((clock.now() - startedAtMs) / 3_600_000)
    printLine(`\n${hours} hours have passed.`)
  } finally {
    const closing = auth.close()
    await clock.settle()
    await closing
    await listening.close()
  }
  const log = sandbox.log.filter(({ account }) => account !== NEIGHBOUR.username)
  const surprises = sabotage === undefined ? day.surprises : undefined
  return summarize({ log, wire: wire.moments, surprises }, narrator, printLine) ? EXIT.done : EXIT.findings
}

/** Mulberry32: uniform in [0, 1), the same numbers for the same seed. */
function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
