import { looksSecret } from '../../journal/path.ts'
import { type Item, type Locator, UnreadableRecording } from '../exchange.ts'
import { createJsonSplitter, MAX_PIECE_BYTES, type Wanted } from './bytes/json-pieces.ts'
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

/** `log.entries`, and who wrote it. */
const ENTRIES: Wanted = {
  way: [{ opens: '{' }, { opens: '{', keys: ['log'] }, { opens: '[', keys: ['entries'] }],
  values: { depth: 2, keys: ['creator'] },
}

async function* batchesIn(input: Input, context: ReadContext, tally: Tally): AsyncGenerator<readonly Item[]> {
  const { file, bytes } = input
  const splitter = createJsonSplitter(ENTRIES)
  let read = 0
  const unreadable = (why: string) => {
    const after = read === 0 ? 'before the first entry was complete' : `after entry ${read}, up to which it was read`
    return new UnreadableRecording({ file }, `${why}, ${after}; export the HAR again`)
  }
  for await (const chunk of bytes) {
    const items: Item[] = []
    for (const piece of splitter.push(chunk))
      if (piece.kind === 'element') items.push(itemOf(piece.text, { file, entry: ++read }, context, tally))
      else if (piece.kind === 'value') tally.producer = nameOf(piece.text)
    if (items.length > 0) yield items
    if (splitter.broken !== undefined) throw unreadable(splitter.broken)
  }
  splitter.end()
  if (splitter.broken !== undefined) throw unreadable(splitter.broken)
  if (!splitter.found) throw new UnreadableRecording({ file }, 'is a HAR without `log.entries`; export it again')
}

function itemOf(said: string | undefined, at: Locator, context: ReadContext, tally: Tally): Item {
  if (said === undefined) return { kind: 'skipped', at, why: `larger than ${MAX_PIECE_BYTES / 1_048_576} MiB` }
  const value = parsed(said)
  return value === undefined ? { kind: 'skipped', at, why: 'no JSON' } : readEntry(value, at, context, tally)
}

/** Names come from others, and go into reports: a short, plain one, or none. */
function nameOf(said: string | undefined): string | undefined {
  const name = text(field(parsed(said), 'name'))
  return name !== undefined && /^[\w .,()/+-]{1,60}$/.test(name) && !looksSecret(name) ? name : undefined
}
