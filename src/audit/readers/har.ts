import { looksSecret } from '../../journal/path.ts'
import { type Item, UnreadableRecording } from '../exchange.ts'
import { createSplitter, type Element, MAX_PIECE_BYTES } from './bytes/json-elements.ts'
import { readEntry } from './har-entry.ts'
import { abilitiesOf, createTally, type Tally } from './har-tally.ts'
import { field, parsed, text } from './json-values.ts'
import type { FormatReader, Input, ReadContext } from './reader.ts'

/** HAR 1.2 of any producer. */
export const harReader: FormatReader = {
  format: 'har',
  title: 'HAR 1.2',
  recognises: ({ keys }) => keys.get('log') === '{',
  read(input, context) {
    const tally = createTally()
    return {
      format: 'har',
      // `creator` may come after the entries.
      get producer() {
        return tally.producer
      },
      batches: batchesIn(input, context, tally),
      abilities: () => abilitiesOf(tally),
    }
  },
}

async function* batchesIn(input: Input, context: ReadContext, tally: Tally): AsyncGenerator<readonly Item[]> {
  const { file, bytes } = input
  const splitter = createSplitter({ parents: ['log'], array: 'entries', values: ['creator', 'browser'] })
  let read = 0
  const unreadable = (why: string) => {
    const after = read === 0 ? 'before the first entry was complete' : `after entry ${read}, up to which it was read`
    return new UnreadableRecording({ file }, `${why}, ${after}; export the HAR again`)
  }
  for await (const chunk of bytes) {
    const items: Item[] = []
    for (const element of splitter.push(chunk)) {
      if (element.key === 'entries') {
        read = element.number
        items.push(itemOf(element, file, context, tally))
      } else if (element.key === 'creator') tally.producer = nameOf(element)
    }
    if (items.length > 0) yield items
    if (splitter.broken !== undefined) throw unreadable(splitter.broken)
  }
  splitter.end()
  if (splitter.broken !== undefined) throw unreadable(splitter.broken)
  if (!splitter.found) throw new UnreadableRecording({ file }, 'is a HAR without `log.entries`; export it again')
}

function itemOf({ number: entry, text: said }: Element, file: string, context: ReadContext, tally: Tally): Item {
  const at = { file, entry }
  if (said === undefined) return { kind: 'skipped', at, why: `larger than ${MAX_PIECE_BYTES / 1_048_576} MiB` }
  const value = parsed(said)
  return value === undefined ? { kind: 'skipped', at, why: 'no JSON' } : readEntry(value, at, context, tally)
}

/** Names come from others, and go into reports: a short, plain one, or none. */
function nameOf({ text: said }: Element): string | undefined {
  const name = text(field(parsed(said), 'name'))
  return name !== undefined && /^[\w .,()/+-]{1,60}$/.test(name) && !looksSecret(name) ? name : undefined
}
