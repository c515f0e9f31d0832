/** Gives out the first by `isBefore`, whatever the order they came in. */
export interface Heap<T> {
  readonly size: number
  push(item: T): void
  /** Takes the first; `undefined` when there is none. */
  pop(): T | undefined
  peek(): T | undefined
}

export function createHeap<T>(isBefore: (a: T, b: T) => boolean): Heap<T> {
  const items: T[] = []
  const swap = (a: number, b: number) => {
    const item = items[a] as T
    items[a] = items[b] as T
    items[b] = item
  }
  const before = (a: number, b: number) =>
    b >= items.length || (a < items.length && isBefore(items[a] as T, items[b] as T))
  return {
    get size() {
      return items.length
    },
    peek: () => items[0],
    push(item) {
      items.push(item)
      for (let at = items.length - 1; at > 0; ) {
        const parent = (at - 1) >> 1
        if (before(parent, at) || !before(at, parent)) return
        swap(at, parent)
        at = parent
      }
    },
    pop() {
      const last = items.pop()
      const first = items[0]
      if (first === undefined || last === undefined) return last
      items[0] = last
      for (let at = 0; ; ) {
        const left = 2 * at + 1
        const least = before(left + 1, left) && left + 1 < items.length ? left + 1 : left
        if (least >= items.length || !before(least, at)) return first
        swap(at, least)
        at = least
      }
    },
  }
}
