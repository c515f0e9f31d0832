import { createWatch, type Monitor, type Need } from '../monitors/index.ts'
import { createDocket, type Docket, type DocketOptions } from './docket.ts'
import type { Exchange } from './exchange.ts'
import { createSequencer, type Reading, type Sequencer, type Sighting } from './readings.ts'
import { RULES } from './rules.ts'

/** The traffic of one account, judged as it comes. */
export interface AccountAudit extends Pick<Docket, 'listed' | 'unlisted' | 'end'> {
  see(sighting: Sighting): void
  /** Names of the files that it is judged by. */
  readonly files: ReadonlySet<string>
  /** What some of its requests do not tell, though others do. */
  readonly hides: ReadonlySet<Need>
  /** Whose requests these are was guessed: they may be several, or one of several. */
  isGuessed(): boolean
}

/** What the offences of a rule follow from. */
const FOLLOWED = Object.entries(RULES).flatMap(([rule, { follows }]) =>
  follows === undefined ? [] : [{ rule, follows }],
)

/** Rules whose offences follow from a send, whatever the answer. */
const OF_SENDS = ['invariant-1', 'invariant-2', 'validate-optionally']
const SENT = FOLLOWED.filter(({ rule }) => OF_SENDS.includes(rule))

const isServed = ({ request: { endpoint, status } }: Exchange) => endpoint === 'api' && status === 200

export function createAccountAudit(
  monitors: readonly Monitor[],
  readings: readonly Reading[],
  listening: DocketOptions,
): AccountAudit {
  const docket = createDocket(readings.length, listening)
  const files = new Set<string>()
  const sequencers = readings.map((reading) => {
    const watch = createWatch(monitors)
    const latest = new Map<string, Exchange>()
    return createSequencer((seen) => {
      const { moment, exchange } = seen
      const found = watch.observe(moment)
      for (const [index, finding] of found.length === 0 ? [] : found.entries()) {
        const nth = found.slice(0, index).filter(({ monitor }) => monitor === finding.monitor).length
        docket.note(finding, seen, { reading, trigger: latest.get(finding.monitor), nth })
      }
      // Nothing follows of an API request that was served: nearly all there is.
      if (exchange === undefined || isServed(exchange)) return
      // A client follows what it was told.
      for (const { rule, follows } of moment.kind === 'sent' ? SENT : moment.kind === 'answered' ? FOLLOWED : [])
        if (follows(exchange.request)) latest.set(rule, exchange)
    })
  })
  const hides = new Set<Need>()
  let file: string | undefined
  let guessed = false

  return {
    listed: docket.listed,
    unlisted: docket.unlisted,
    files,
    hides,
    isGuessed: () => guessed,
    see({ item, soonestMs, byReading }) {
      if (item.at.file !== file) {
        file = item.at.file
        files.add(file)
      }
      if (item.kind === 'exchange') {
        guessed ||= item.accountGuessed === true
        for (const need of item.hides ?? []) hides.add(need)
      }
      for (let reading = 0; reading < sequencers.length; reading++) {
        const sequencer = sequencers[reading] as Sequencer
        sequencer.until(soonestMs)
        for (const seen of byReading[reading] ?? []) sequencer.put(seen)
      }
    },
    end() {
      for (const sequencer of sequencers) sequencer.until(Number.POSITIVE_INFINITY)
      docket.end()
    },
  }
}
