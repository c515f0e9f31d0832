/**
 * The elements of batches, one by one. As a generator it would wait three times for each of millions of elements that are
 * all there; this waits once.
 */
export function flattened<T>(batches: AsyncGenerator<readonly T[]>): AsyncIterableIterator<T> {
  let batch: readonly T[] = []
  let at = 0
  const more = async (): Promise<IteratorResult<T>> => {
    for (;;) {
      const { done, value } = await batches.next()
      if (done === true) return { done, value: undefined }
      batch = value
      at = 0
      if (batch.length > 0) return { done: false, value: batch[at++] as T }
    }
  }
  return {
    [Symbol.asyncIterator]() {
      return this
    },
    next: () => (at < batch.length ? Promise.resolve({ done: false, value: batch[at++] as T }) : more()),
    async return() {
      batch = []
      await batches.return(undefined)
      return { done: true, value: undefined }
    },
  }
}

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
