import type { Moment } from '../monitors/index.ts'

/** What happened at some instant, and where it stands in a recording that tells its order. */
export interface AtInstant {
  readonly moment: Moment
  readonly place?: { readonly file: string; readonly line?: number | undefined } | undefined
}

/** Lines of one file, in their order. */
interface Told<Each> {
  readonly left: Each[]
  answers: number
}

/**
 * Puts what happened at one instant in order: each file's moments as it tells them, and among files answers first, for what
 * one process was answered may be why another one sends. A journal's times are whole ms: a sign-out and the end of the request
 * that it aborts, or a demand and the request that it brings about, are apart by their lines alone.
 *
 * @param moments answers first, then as they came; an order that holds where no file tells one
 */
export function inOrderOfLines<Each extends AtInstant>(moments: readonly Each[]): readonly Each[] {
  if (moments.length < 2 || moments.every(({ place }) => place === undefined)) return moments
  const files = new Map<string | undefined, Told<Each>>()
  for (const each of moments) {
    const file = files.get(each.place?.file) ?? { left: [], answers: 0 }
    files.set(each.place?.file, file)
    file.left.push(each)
    if (isAnswer(each)) file.answers++
  }
  // Reversed, so that the next one is the last; a sort is stable.
  for (const { left } of files.values()) left.reverse().sort((a, b) => (b.place?.line ?? 0) - (a.place?.line ?? 0))
  const ordered: Each[] = []
  while (ordered.length < moments.length) {
    let next: Told<Each> | undefined
    for (const file of files.values())
      if (file.left.length > 0 && (next === undefined || urgency(file) < urgency(next))) next = file
    const each = next?.left.pop() as Each
    if (isAnswer(each)) (next as Told<Each>).answers--
    ordered.push(each)
  }
  return ordered
}

const isAnswer = ({ moment }: AtInstant) => moment.kind === 'answered'

/** Answers, what else happened, sends that an answer comes after, sends. */
function urgency({ left, answers }: Told<AtInstant>): number {
  const kind = left.at(-1)?.moment.kind
  return kind === 'answered' ? 0 : kind !== 'sent' ? 1 : answers > 0 ? 2 : 3
}
