/**
 * Items come in batches: as many as a chunk of a file completes. One by one each would wait several times for its turn, which
 * for millions costs more than reading them.
 */
export type Batches<T> = AsyncIterable<readonly T[]>

/** Puts items together as `read` completes them; those that came before it threw come before the error. */
export async function* batchesOf<Part, T>(
  parts: AsyncIterable<readonly Part[]>,
  read: (part: Part, items: T[]) => void,
  end: (items: T[]) => void = () => {},
): AsyncGenerator<readonly T[]> {
  let items: T[] = []
  let failure: { readonly error: unknown } | undefined
  for await (const some of parts) {
    items = []
    try {
      for (const part of some) read(part, items)
    } catch (error) {
      failure = { error }
    }
    yield items
    if (failure !== undefined) throw failure.error
  }
  items = []
  end(items)
  yield items
}
