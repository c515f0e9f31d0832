import { describe, expect, it } from 'vitest'
import { parseWaivers, WaiverError } from '../../src/audit/waivers.ts'

const RULES = ['invariant-3']
const GOOD = { rule: 'invariant-3', reason: 'ticket 4711', expires: '2026-12-31' }
const parse = (file: unknown) => parseWaivers(typeof file === 'string' ? file : JSON.stringify(file), RULES)

/** The message of the refusal. */
function refusal(file: unknown): string {
  try {
    parse(file)
  } catch (error) {
    if (error instanceof WaiverError) return error.message
    throw error
  }
  return 'none'
}

describe('a file of waivers', () => {
  it.each([
    ['as it should be', JSON.stringify({ waivers: [GOOD] })],
    ['with a byte order mark', `\ufeff${JSON.stringify({ waivers: [GOOD] })}`],
  ])('%s is taken', (_, text) => {
    expect(parse(text)).toEqual([GOOD])
  })

  it('may name a leap day', () => {
    expect(parse({ waivers: [{ ...GOOD, expires: '2028-02-29' }] })).toHaveLength(1)
  })

  it.each([
    [{ ...GOOD, reason: ' \n' }, 'waivers: waivers.0.reason must be why it is borne with, in a sentence'],
    [{ ...GOOD, match: ' ' }, 'waivers: waivers.0.match must be a text that is not empty'],
    [{ ...GOOD, expires: '2027-02-30' }, "waivers.0.expires is '2027-02-30', which is no day"],
    [{ ...GOOD, expires: '2027-02-29' }, "waivers.0.expires is '2027-02-29', which is no day"],
    [{ ...GOOD, expires: '2027-13-01' }, "waivers.0.expires is '2027-13-01', which is no day"],
    [{ ...GOOD, expires: '31.12.2026' }, 'waivers: waivers.0.expires must be a day, such as 2026-12-31'],
    [{ ...GOOD, rule: 'x' }, "waivers.0.rule is 'x', which is no rule: run explain"],
    [
      { ...GOOD, expiry: '2027' },
      "waivers: waivers.0 has an unknown key 'expiry'; allowed are rule, match, reason, expires",
    ],
    ['x', 'waivers: waivers.0 must be an object with rule, reason, expires and, if wanted, match'],
  ])('with %j is refused', (waiver, message) => {
    expect(refusal({ waivers: [waiver] })).toBe(message)
  })

  it.each([
    ['{"waivers":[]', 'waivers: the file must be JSON'],
    ['[]', 'waivers: the file must be an object with waivers'],
    ['{"waivers":{}}', 'waivers: waivers must be a list of waivers'],
    ['{"waivers":[],"version":1}', "waivers: the file has an unknown key 'version'; allowed are waivers"],
  ])('%s is refused', (text, message) => {
    expect(refusal(text)).toBe(message)
  })
})
