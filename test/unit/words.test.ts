import { expect, test } from 'vitest'
import { duration, timeOfDay } from '../../src/policy/words.ts'

test.each([
  [-5, '0 ms'],
  [0, '0 ms'],
  [0.2, '1 ms'],
  [999, '999 ms'],
  [1_000, '1 s'],
  [41_249, '41.2 s'],
  [59_900, '59.9 s'],
  [60_000, '1 min'],
  [60_001, '1 min 1 s'],
  [552_000, '9 min 12 s'],
  [600_000, '10 min'],
  [119 * 60_000 + 59_000, '119 min 59 s'],
  [120 * 60_000, '2 h 0 min'],
  [24 * 3_600_000 + 61_000, '24 h 1 min'],
])('%d ms is %s', (ms, words) => {
  expect(duration(ms)).toBe(words)
})

test('a time of day is shown in UTC, to the second', () => {
  expect(timeOfDay(Date.UTC(2026, 4, 31, 14, 5, 10, 999))).toBe('14:05:10Z')
})
