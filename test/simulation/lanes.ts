import { Worker } from 'node:worker_threads'
import type { WorldOptions, WorldReport } from './options.ts'
import type { SimulationReport } from './simulate.ts'
import { sumUp, watchRejections } from './simulate.ts'
import { runWorld } from './world.ts'

/** What a thread that lives worlds answers for each. */
export interface Lived {
  readonly report: WorldReport
  readonly unhandled: number
}

/** Lives the worlds on as many threads as asked for: each world is on one thread, and the same on any. */
export async function live(
  worlds: readonly WorldOptions[],
  threads: number,
  onDone: (doneDays: number) => void,
): Promise<SimulationReport> {
  const reports: WorldReport[] = new Array(worlds.length)
  let next = 0
  let doneDays = 0
  let unhandled = 0
  const lane = async (run: (world: WorldOptions) => Promise<WorldReport>) => {
    for (let at = next++; at < worlds.length; at = next++) {
      reports[at] = await run(worlds[at] as WorldOptions)
      doneDays += worlds[at]?.days ?? 0
      onDone(doneDays)
    }
  }
  const watch = watchRejections()
  const workers = Array.from(
    { length: Math.min(threads, worlds.length) - 1 },
    () => new Worker(new URL('./lane.ts', import.meta.url)),
  )
  const elsewhere = workers.map((worker) =>
    lane(async (world) => {
      const { report, unhandled: more } = await ask(worker, world)
      unhandled += more
      return report
    }),
  )
  try {
    await Promise.all([lane(runWorld), ...elsewhere])
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()))
    watch.stop()
  }
  return sumUp(worlds, reports, unhandled + watch.seen())
}

const ask = (worker: Worker, world: WorldOptions) =>
  new Promise<Lived>((resolve, reject) => {
    worker.once('error', reject)
    worker.once('message', (lived: Lived) => {
      worker.off('error', reject)
      resolve(lived)
    })
    worker.postMessage(world)
  })
