import { SOURCES, type WorldOptions } from './options.ts'

/** Everything that is needed to live a violation again. */
export type Replay = WorldOptions

/** What is wrong with a file that should hold a replay. */
export class ReplayError extends Error {}

const whole = (least: number) => ({
  must: `a whole number from ${least}`,
  is: (value: unknown) => Number.isInteger(value) && Number(value) >= least,
})
const FIELDS: Readonly<Record<keyof Replay, { must: string; is(value: unknown): boolean; optional?: boolean }>> = {
  seed: whole(0),
  index: whole(0),
  days: { must: 'a number above 0', is: (value) => Number.isFinite(value) && Number(value) > 0 },
  clients: { ...whole(1), optional: true },
  without: {
    must: `a list of ${SOURCES.join(', ')}`,
    is: (value) => Array.isArray(value) && value.every((source) => SOURCES.includes(source)),
    optional: true,
  },
  // Of a broken client, whose policy is plain data.
  sabotage: { must: 'an object', is: (value) => typeof value === 'object' && value !== null, optional: true },
}

/**
 * Reads a kept violation: without this, one that is misspelt would be a short world in which nothing is wrong.
 *
 * @throws {ReplayError}
 */
export function parseReplay(text: string): Replay {
  const value = fromJSON(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new ReplayError('not a JSON object')
  const unknown = Object.keys(value).find((name) => !Object.hasOwn(FIELDS, name))
  if (unknown !== undefined)
    throw new ReplayError(`'${unknown}' is none of its fields: ${Object.keys(FIELDS).join(', ')}`)
  for (const [name, { must, is, optional = false }] of Object.entries(FIELDS)) {
    const given: unknown = Reflect.get(value, name)
    if (given === undefined ? !optional : !is(given)) throw new ReplayError(`'${name}' must be ${must}`)
  }
  return value as Replay
}

function fromJSON(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new ReplayError('not JSON')
  }
}
