import { describe, expect, it } from 'vitest'
import { STORING_MS } from '../../src/audit/storing.ts'
import { api, at, create, type Items, refresh } from '../unit/monitors/traces.ts'
import { asHar, asJournal, audited } from './renderings.ts'

/** The old token serves until the next pair is stored, which no traffic shows. */

const STORING_S = STORING_MS / 1000
/** The pair is replaced 10 s after the start. */
const replaced = [create(0, 1), refresh(10, 2)]
const faultsOf = async (text: string) => {
  const { findings } = await audited(text)
  return findings.map(({ rule, verdict }) => `${rule} ${verdict}`)
}
const inHar = (...items: Items) => faultsOf(asHar([...replaced, ...items]))

describe('an old token that is sent after the next pair was granted', () => {
  it(`may still serve for ${STORING_S} s: the pair may be on its way to the store`, async () => {
    expect(await inHar(api(10 + STORING_S - 0.1, 1))).toEqual(['invariant-4 inconclusive'])
    expect(await inHar(api(10 + STORING_S + 0.1, 1))).toEqual(['invariant-4 fail'])
  })

  it('may where it may have been held until then, or not', async () => {
    const sent = [...replaced, api(10 + STORING_S + 0.5, 1)]
    const atOnce = { blockedMs: 0, connectMs: 0 }
    const heldFor = (blockedMs: number) => faultsOf(asHar(sent, { held: [atOnce, atOnce, { ...atOnce, blockedMs }] }))
    expect(await heldFor(300)).toEqual(['invariant-4 fail'])
    expect(await heldFor(1_000)).toEqual(['invariant-4 inconclusive'])
  })

  it('says what would tell', async () => {
    const { findings } = await audited(asHar([...replaced, api(11, 1)]))
    expect(findings[0]?.because).toMatch(/on its way to the client's store.*journal/)
  })

  it('serves no more once the next one was used', async () => {
    expect(await inHar(api(11, 2), api(12, 1))).toEqual(['invariant-4 fail'])
  })

  it('serves no more once the next refresh token was used', async () => {
    expect(
      await inHar(refresh(11, 3, { status: 503, grantedAccessId: undefined, grantedRefreshId: undefined }), api(12, 1)),
    ).toEqual(['invariant-4 fail'])
  })

  it('serves only if it is the one before', async () => {
    expect(await inHar(refresh(20, 3), api(21, 2))).toEqual(['invariant-4 inconclusive'])
    expect(await inHar(refresh(20, 3), api(21, 1))).toEqual(['invariant-4 fail'])
  })

  it('never serves after its own expiry, nor does the next one', async () => {
    const expired = { accessExpAtMs: at(11) }
    expect(await inHar(api(12, 1, expired))).toEqual(['invariant-4 fail'])
    expect(await inHar(api(12, 2, expired))).toEqual(['invariant-4 fail'])
  })

  it('fails at once where a journal shows that it was stored', async () => {
    expect(await faultsOf(asJournal([...replaced, api(11, 1)]))).toEqual(['invariant-4 fail'])
  })
})
