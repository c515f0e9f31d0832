/**
 * What the reader of the report has to know of requests that tell no account, at origins where others do.
 *
 * @param keys origin and account of each that was judged: `https://host name`
 */
export function notesOnUnknown(keys: Iterable<string>): readonly string[] {
  const named = new Set<string>()
  const unknown: string[] = []
  for (const key of keys) {
    const origin = key.slice(0, key.indexOf(' '))
    if (key.endsWith(' ')) unknown.push(origin)
    else named.add(origin)
  }
  const [first, ...others] = unknown.filter((origin) => origin !== '' && named.has(origin))
  if (first === undefined) return []
  const where = others.length === 0 ? first : `${first} and ${others.length} more`
  return [
    `Some requests to ${where} tell no account and were judged apart from those that do: whose budget and pauses they count for is not known. Record from the sign-in on.`,
  ]
}
