import type { createProgress } from '../simulation/progress.ts'
import { type Crash, crashes, DEEDS } from './crash.ts'
import { day } from './day.ts'
import { filePlace, type Place, redisPlace } from './places.ts'

type Progress = ReturnType<typeof createProgress>

const PLACES: readonly (() => Place | Promise<Place>)[] = [filePlace, redisPlace]

export const story = ({ deed, step, dead, next, wrong }: Crash) =>
  `${deed}, killed ${step ?? 'nowhere'}, had sent [${dead.join(', ')}]; then [${next.join(', ')}]: ${wrong.join('; ')}`

/** `--crash`: processes killed in the middle of what they do. Whether whoever came next always did what was right. */
export async function crashProcesses(
  { seed, kills }: { readonly seed: number; readonly kills: number },
  progress: Progress,
): Promise<boolean> {
  let wrong = 0
  for (const [at, open] of PLACES.entries()) {
    const place = await open()
    try {
      let done = 0
      const onDone = () =>
        progress((at + ++done / kills) / PLACES.length, `${done} of ${kills} killed on ${place.name}`)
      const all = await crashes(place, seed, kills, onDone)
      console.log(`${place.name}: ${all.length} processes killed by SIGKILL, seed ${seed}`)
      for (const deed of DEEDS) {
        const of = all.filter((each) => each.deed === deed)
        const lost = of.filter((each) => each.lost)
        const signedInAgain = lost.filter(({ next }) => next.includes('create 200'))
        console.log(
          `  ${deed}: ${of.length} killed at ${new Set(of.map(({ step }) => step)).size} kinds of steps; ${lost.length} grants lost with them, each followed by ${signedInAgain.length === lost.length ? 'one sign-in' : 'NOT one sign-in'}`,
        )
      }
      console.log(
        `  longest wait of whoever came next: ${Math.ceil(Math.max(...all.map(({ waitedMs }) => waitedMs)))} ms`,
      )
      const bad = all.filter((each) => each.wrong.length > 0)
      for (const each of bad) console.log(`  WRONG: ${story(each)}`)
      wrong += bad.length
    } finally {
      await place.close()
    }
  }
  console.log(`wrong: ${wrong}`)
  return wrong === 0
}

/** Access tokens of a day that lasts minutes, and refresh tokens of it, s. */
const MODES = { accessLifetimeS: 20, refreshLifetimeS: 600 }

/** `--fleet`: processes that share a store. Whether they acted as one. */
export async function liveFleets(
  { processes, seconds }: { readonly processes: number; readonly seconds: number },
  progress: Progress,
): Promise<boolean> {
  let held = true
  for (const [at, open] of PLACES.entries()) {
    const place = await open()
    try {
      progress(at / PLACES.length, `${processes} processes on ${place.name}, ${seconds} s`)
      const { calls, requests, worstAMinute, errors, wrong, tokens } = await day(place, {
        ...{ name: 'a long day', processes, callers: 50, forMs: seconds * 1_000, modes: MODES },
      })
      const creates = requests.filter((request) => request.startsWith('create')).length
      console.log(
        `${place.name}: ${processes} processes, ${calls} calls in ${seconds} s; ${creates} create, ${requests.length - creates} refreshes, ${tokens} tokens; at most ${worstAMinute} token requests in any 60 s; errors ${JSON.stringify(errors)}; wrong: ${wrong.length}`,
      )
      for (const each of wrong) console.log(`  WRONG: ${each}`)
      held &&= wrong.length === 0 && creates === 1 && worstAMinute <= 10 && Object.keys(errors).length === 0
    } finally {
      await place.close()
    }
  }
  progress(1, 'done')
  return held
}
