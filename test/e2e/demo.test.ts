import { describe, expect, test } from 'vitest'
import { demo } from '../../src/cli/demo/command.ts'
import { SABOTAGES } from '../../src/cli/demo/sabotage.ts'
import { TOLD } from '../../src/cli/demo/trace.ts'
import { UsageError } from '../../src/cli/usage.ts'
import { createMonitors, judging } from '../../src/monitors/index.ts'
import { lastLine, run } from './run.ts'

/** As the summary's last line names a monitor. */
const named = (monitor: string) => monitor.replace('invariant-', 'invariant ')
const AT_MOST_MS = 40_000

describe('the day', { concurrent: true, timeout: AT_MOST_MS }, () => {
  test('every invariant holds, and every accident goes as planned', async () => {
    const { code, stdout, stderr } = await run(['demo'])
    expect(lastLine(stdout)).toBe('Every invariant that traffic can show held.')
    expect(stderr).toBe('')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^create +\d/m)
    expect(stdout).toContain('shortest time from a 429 to the next token request: 10 min (at least 10 min)')
    for (const invariant of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
      expect(stdout).toMatch(new RegExp(`^held +invariant ${invariant} `, 'm'))
    for (const invariant of [11, 12, 13, 14])
      expect(stdout).toMatch(new RegExp(`^unseen +invariant ${invariant} `, 'm'))
    // Plain in a pipe, and nothing secret.
    expect(stdout).not.toContain('\u001b')
    expect(stdout).not.toMatch(/eyJ|demo-password|a-new-password|a-mistyped-password|neighbour-password/)
  })

  test('the same seed draws the same day, another seed another', async () => {
    const day = async (seed: string) => {
      const { code, stdout } = await run(['demo', '--no-accidents', '--seed', seed])
      expect(code).toBe(0)
      return stdout.replace(/127\.0\.0\.1:\d+|seed \d+/g, '')
    }
    const [one, again, other] = await Promise.all([day('5'), day('5'), day('6')])
    expect(again).toBe(one)
    expect(other).not.toBe(one)
    // A quiet day: what nothing put to the test is not called held.
    expect(one).toMatch(/^requests +200$/m)
    expect(one).toMatch(/^idle +invariant 3 /m)
    expect(lastLine(one)).toBe('Every invariant that traffic can show held.')
  })
})

describe('a client that is broken on purpose', { concurrent: true, timeout: AT_MOST_MS }, () => {
  test.each(SABOTAGES)('--sabotage $name breaks $breaks and nothing else', async ({ name, breaks }) => {
    const { code, stdout, stderr } = await run(['demo', '--sabotage', name])
    expect(stderr).toBe('')
    expect(lastLine(stdout)).toMatch(new RegExp(`^Broken: ${named(breaks)}( \\([\\w-]+\\))?\\.$`))
    expect(code).toBe(1)
    expect(stdout.match(/^BROKEN/gm)).toHaveLength(1)
  })

  test('every numbered invariant that traffic can show has a sabotage', () => {
    const shown = judging(createMonitors(), TOLD).flatMap(({ id, invariant }) => (invariant === undefined ? [] : [id]))
    expect(SABOTAGES.map(({ breaks }) => breaks)).toEqual(expect.arrayContaining(shown))
  })
})

describe('its command line', () => {
  test.each([
    [['--sabotage', 'retry-42'], 'retry-429'],
    [['--sed', '3'], '--seed'],
    [['--seed', 'x'], '--seed takes a whole number'],
    [['--seed'], '--seed needs a value'],
    [['--plain=yes'], '--plain takes no value'],
    [['tomorrow'], `unexpected argument 'tomorrow'`],
    [['--no-accidents', '--sabotage', 'retry-429'], '--no-accidents'],
    [['--live', '--seed', '3'], '--live'],
    [['--live'], 'COMPLIANCELY_USERNAME, COMPLIANCELY_PASSWORD'],
  ])('%j is a usage error that says %j', async (args, said) => {
    const { signal } = new AbortController()
    const ran = demo({ argv: args, env: {}, signal })
    await expect(ran).rejects.toThrow(UsageError)
    await expect(ran).rejects.toThrow(said)
  })

  test('--help lists what can be set, and every sabotage', async () => {
    const { code, stdout } = await run(['demo', '--help'])
    expect(code).toBe(0)
    const listed = ['--seed', '--no-accidents', '--sabotage', '--plain', '--live', ...SABOTAGES.map(({ name }) => name)]
    for (const word of listed) expect(stdout).toContain(word)
  })
})
