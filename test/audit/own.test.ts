import { describe, expect, it } from 'vitest'
import { lived } from './lived.ts'
import { audited, rulesThat } from './renderings.ts'

/** Our own client's journals, written over days of faults by several processes of one account, are found clean. */

describe.each([0, 20])('ten days of three clients on one store, with a line of %i ms each way', (latencyMs) => {
  it('their journals together break no rule, and leave nothing open but what no journal tells', async () => {
    const { journals, world } = await lived(latencyMs)
    const report = await audited(...journals)
    expect(report.findings.slice(0, 5)).toEqual([])
    expect(rulesThat('fail', report)).toEqual([])
    expect(rulesThat('inconclusive', report)).toEqual(['invariant-12'])
    expect(report.accounts).toBe(1)
    expect(report.files.map(({ skipped }) => skipped)).toEqual([0, 0, 0])
    // The journals are whole: everything that the server saw is in them, and much happened.
    expect(report.exchanges).toBeGreaterThanOrEqual(world.log().length)
    const seen = new Set(world.log().map(({ endpoint, status }) => `${endpoint} ${status}`))
    const wanted = ['create 200', 'create 401', 'refresh 200', 'refresh 400', 'refresh 429', 'refresh 502', 'api 401']
    for (const each of wanted) expect([...seen]).toContain(each)
    expect(report.exchanges).toBeGreaterThan(1_000)
  })
})
