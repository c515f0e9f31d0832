import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Crash, crashes } from './crash.ts'
import type { Place } from './places.ts'
import { story } from './report.ts'

/** Processes killed with SIGKILL in the middle of what they do; `npm run simulate -- --crash` kills more of them. */
const KILLS = 20
/** The tests of one place. */
export function kills(open: () => Promise<Place> | Place) {
  let place: Place
  let all: readonly Crash[]
  beforeAll(async () => {
    place = await open()
    all = await crashes(place, process.env.SEED ?? '', KILLS)
  }, 300_000)
  afterAll(() => place.close())

  it('D-refresh-401, D-store-down: whoever comes next does what the record and the server call for', () => {
    expect(all.filter(({ wrong }) => wrong.length > 0).map(story)).toEqual([])
    expect(all).toHaveLength(KILLS)
    expect(all.filter(({ step }) => step === undefined)).toEqual([])
  })

  it('D-create-unavailable: a pair that nobody stored costs one sign-in, and no other does', () => {
    const refreshes = all.filter(({ deed }) => deed === 'refresh')
    expect(refreshes).toHaveLength(KILLS / 5)
    for (const crash of refreshes) expect(crash.next.includes('create 200'), story(crash)).toBe(crash.lost)
  })
}
