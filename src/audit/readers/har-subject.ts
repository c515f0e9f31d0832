import { type Fingerprints, isToken, tokenClaims } from './fingerprints.ts'
import { type Body, firstField } from './har-body.ts'

const IN_BODIES = ['new_access_token', 'access', 'access_token', 'refresh', 'refresh_token', 'token']

/** Whom the tokens of a request and its answer are for: the first that says so counts. */
export function subjectOf(
  origin: string,
  bearer: string | undefined,
  bodies: readonly Body[],
  { subject }: Fingerprints,
): string | undefined {
  for (const token of [bearer, ...bodies.map((body) => firstField(body, IN_BODIES))]) {
    const said = isToken(token) ? tokenClaims(token).subject : undefined
    if (said !== undefined) return subject(origin, said)
  }
  return undefined
}
