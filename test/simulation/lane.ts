import { parentPort } from 'node:worker_threads'
import type { Lived } from './lanes.ts'
import type { WorldOptions } from './options.ts'
import { watchRejections } from './simulate.ts'
import { runWorld } from './world.ts'

/** A second thread, which lives one world after the other. */

Error.stackTraceLimit = 0
const watch = watchRejections()
parentPort?.on('message', async (world: WorldOptions) => {
  const before = watch.seen()
  const report = await runWorld(world)
  parentPort?.postMessage({ report, unhandled: watch.seen() - before } satisfies Lived)
})
