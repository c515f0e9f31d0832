import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { day } from './day.ts'
import type { Place } from './places.ts'

/** Real processes on a real store, against a server over real HTTP. Tokens live for seconds, so that a day is short. */
const SHORT = { accessLifetimeS: 4, refreshLifetimeS: 3_600 }
const HOURS_2 = 7_200_000
const MINUTES_5 = 300_000

/** The tests of one place. */
export function fleets(open: () => Promise<Place> | Place) {
  let place: Place
  beforeAll(async () => {
    place = await open()
  })
  afterAll(() => place.close())

  describe('live as one', { timeout: 300_000 }, () => {
    test('D-one-at-a-time: eight processes with fifty callers each, cold, sign in once', async () => {
      const report = await day(place, { name: 'cold', processes: 8, callers: 50, forMs: 0 })
      expect(report).toMatchObject({
        ...{ processes: 8, calls: 400, tokens: 1, errors: {} },
        ...{ requests: ['create 200'], worstAMinute: 1, wrong: [] },
      })
    })

    test('refresh-once, ten-per-minute: over a day, one refresh a period', async () => {
      const report = await day(place, { name: 'a day', processes: 8, callers: 5, forMs: 12_000, modes: SHORT })
      const [first, ...rest] = report.requests
      expect(first).toBe('create 200')
      expect(rest).toEqual(Array(rest.length).fill('refresh 200'))
      // How many they are is the machine's: a busy one is late. A token of 4 s is refreshed when a quarter of its life is
      // left; twice in half a life is twice in a period.
      expect(rest.length).toBeGreaterThan(0)
      expect(report.leastBetweenGrantsMs).toBeGreaterThan(2_000)
      expect(report).toMatchObject({ errors: {}, wrong: [] })
      // The last one may have come after the last question.
      expect(report.tokens).toBeGreaterThanOrEqual(rest.length)
    })

    test('pause-after-429, D-skew: what one hears, all obey, whatever their clocks say', async () => {
      const report = await day(place, {
        ...{ name: 'paused', processes: 4, callers: 3, forMs: 8_000, modes: SHORT },
        differ: (index) => ({ wallOffMs: index % 2 === 0 ? MINUTES_5 : -MINUTES_5 }),
        trouble: (sandbox) => void sandbox.fail({ endpoint: 'refresh', status: 429 }),
      })
      expect(report.requests).toEqual(['create 200', 'refresh 429'])
      expect(Object.keys(report.errors)).toEqual(['THROTTLED'])
      expect(report.wrong).toEqual([])
    })

    test('no-retry-on-invalid-credentials: a wrong password is tried once by all of them together', async () => {
      const report = await day(place, {
        ...{ name: 'refused', processes: 8, callers: 10, forMs: 2_000 },
        differ: () => ({ password: 'wrong' }),
      })
      expect(report.requests).toEqual(['create 401'])
      expect(Object.keys(report.errors)).toEqual(['INVALID_CREDENTIALS'])
    })

    test('D-skew: clocks that are five minutes apart, and set by two hours meanwhile, change nothing of it', async () => {
      const report = await day(place, {
        ...{ name: 'skewed', processes: 4, callers: 3, forMs: 8_000, modes: { ...SHORT, refreshLifetimeS: 86_400 } },
        differ: (index) => ({
          wallOffMs: [0, MINUTES_5, -MINUTES_5, 0][index] ?? 0,
          ...(index > 1 && { setClock: { afterMs: 3_000, byMs: index === 2 ? HOURS_2 : -HOURS_2 } }),
        }),
      })
      expect(report.requests.filter((request) => request.startsWith('create'))).toEqual(['create 200'])
      expect(report).toMatchObject({ errors: {}, wrong: [] })
      expect(report.worstAMinute).toBeLessThanOrEqual(10)
    })
  })
}
