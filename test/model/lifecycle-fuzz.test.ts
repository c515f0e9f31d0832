import { describe, expect, it } from 'vitest'
import { fuzz } from './fuzz.ts'

// `npm run simulate -- --fuzz` sends 100 000; here as many as a few seconds allow.
const SENDS = Number(process.env.FUZZ_SENDS ?? 3_000)
const TIME_OUT_MS = 600_000

describe('the chart under a fuzz in continuous time', () => {
  it('sends only what the policy allows, and leaves nobody waiting for nothing', { timeout: TIME_OUT_MS }, async () => {
    const { violations, sends } = await fuzz({ seed: Number(process.env.SEED), sends: SENDS })
    expect(violations.map(({ what, story }) => [...story, `→ ${what}`].join('\n'))).toEqual([])
    expect(sends).toBeGreaterThanOrEqual(SENDS)
  })
})
