import { describe, expect, it } from 'vitest'
import { createTimeline } from '../../src/client/timeline.ts'
import { createVault } from '../../src/client/vault.ts'
import type { PairFacts } from '../../src/policy/facts.ts'
import { Secret } from '../../src/secret.ts'
import { virtualClock } from '../../src/testing.ts'
import { HOUR, MINUTE } from '../support/world.ts'

/** A vault, and pairs that are granted now. */
function vaulted() {
  const clock = virtualClock()
  const timeline = createTimeline(clock)
  const vault = createVault(clock, timeline)
  const pair = (generation: number, changes: Partial<PairFacts> = {}): PairFacts => ({
    generation,
    usableUntilMs: timeline.nowMs() + HOUR,
    refreshAtMs: timeline.nowMs() + 45 * MINUTE,
    refreshUsableUntilMs: timeline.nowMs() + 24 * HOUR,
    youngUntilMs: timeline.nowMs() + MINUTE,
    rejected: false,
    ...changes,
  })
  const put = (facts: PairFacts, wallOffsetMs?: number) =>
    vault.put(facts, new Secret(`token ${facts.generation}`), wallOffsetMs)
  /** The token that may be sent now. */
  const usable = () => vault.usable()?.access.reveal()
  return { clock, pair, put, timeline, usable, vault }
}

describe('access-lives-1h: a token in memory', () => {
  it('is given out up to its expiry, and not at it', async () => {
    const { clock, pair, put, usable } = vaulted()
    expect(usable()).toBeUndefined()
    put(pair(1))
    await clock.advance(HOUR - 1)
    expect(usable()).toBe('token 1')
    await clock.advance(1)
    expect(usable()).toBeUndefined()
  })

  it('is not given out once it was rejected, nor is its rejection forgotten when it is learned again', () => {
    const { pair, put, usable, vault } = vaulted()
    const facts = pair(1)
    put(facts)
    vault.reject(2)
    expect(usable()).toBe('token 1')
    vault.reject(1)
    expect(usable()).toBeUndefined()
    put(facts)
    expect(usable()).toBeUndefined()
    expect(vault.facts()).toEqual({ ...facts, rejected: true })
  })

  it('is not given out where the record says that it was rejected', () => {
    const { pair, put, usable } = vaulted()
    put(pair(1))
    put(pair(1, { rejected: true }))
    expect(usable()).toBeUndefined()
    put(pair(2, { rejected: true }))
    expect(usable()).toBeUndefined()
  })
})

describe('replace-both: a pair', () => {
  it('takes the place of an older one, and never that of a newer one', () => {
    const { pair, put, usable } = vaulted()
    put(pair(2))
    put(pair(1))
    expect(usable()).toBe('token 2')
    put(pair(3))
    expect(usable()).toBe('token 3')
  })

  it('is forgotten with its generation or a later one, not with an earlier one', () => {
    const { pair, put, usable, vault } = vaulted()
    put(pair(2))
    vault.discard(1)
    expect(usable()).toBe('token 2')
    vault.discard(2)
    expect([usable(), vault.facts()]).toEqual([undefined, null])
    vault.discard(2)
    put(pair(3))
    vault.discard(9)
    expect(usable()).toBeUndefined()
  })
})

describe('D-skew: where the wall clock moves', () => {
  it('a token ends with the clock that says it is over', () => {
    const { clock, pair, put, usable } = vaulted()
    put(pair(1))
    clock.jumpWall(HOUR - 1)
    expect(usable()).toBe('token 1')
    clock.jumpWall(1)
    expect(usable()).toBeUndefined()
  })

  it('forwards, every deadline comes as much earlier; backwards, none moves', () => {
    const { clock, pair, put, vault } = vaulted()
    const facts = pair(1)
    put(facts)
    clock.jumpWall(10 * MINUTE)
    expect(vault.facts()).toEqual({
      ...facts,
      usableUntilMs: facts.usableUntilMs - 10 * MINUTE,
      refreshAtMs: facts.refreshAtMs - 10 * MINUTE,
      refreshUsableUntilMs: facts.refreshUsableUntilMs - 10 * MINUTE,
    })
    clock.jumpWall(-20 * MINUTE)
    expect(vault.facts()).toEqual(facts)
  })

  it('a refresh token that there is none of stays so', () => {
    const { clock, pair, put, vault } = vaulted()
    put(pair(1, { refreshUsableUntilMs: 0 }))
    clock.jumpWall(MINUTE)
    expect(vault.facts()?.refreshUsableUntilMs).toBe(0)
  })

  it('it is not forgotten when the same pair is learned again', () => {
    const { clock, pair, put, usable } = vaulted()
    const facts = pair(1)
    put(facts)
    clock.jumpWall(HOUR)
    put(facts)
    expect(usable()).toBeUndefined()
  })

  it('a pair counts from the wall clock that it was asked for by', () => {
    const { clock, pair, put, timeline, usable } = vaulted()
    const askedOffsetMs = clock.now() - timeline.nowMs()
    clock.jumpWall(HOUR)
    put(pair(1), askedOffsetMs)
    expect(usable()).toBeUndefined()
  })

  it('facts from elsewhere are no later than what the vault knows of the same pair', () => {
    const { clock, pair, put, vault } = vaulted()
    const facts = pair(1)
    expect(vault.earliest(facts)).toEqual(facts)
    put(facts)
    clock.jumpWall(10 * MINUTE)
    expect(vault.earliest(facts)).toEqual(vault.facts())
    expect(vault.earliest({ ...facts, rejected: true }).rejected).toBe(true)
    const sooner = { ...facts, usableUntilMs: 1, refreshAtMs: 2, refreshUsableUntilMs: 3 }
    expect(vault.earliest(sooner)).toEqual(sooner)
    vault.reject(1)
    expect(vault.earliest(facts).rejected).toBe(true)
    expect(vault.earliest(pair(2))).toEqual(pair(2))
  })
})
