import { describe, expect, test } from 'vitest'
import { apiReplyKind, REPLIES, reactionTo, tokenReplyKind } from '../../src/policy/outcomes.ts'

describe('status-codes: what each status means at each endpoint', () => {
  test.each([
    [200, 'granted', 'granted', 'valid', 'ok'],
    [201, 'granted', 'granted', 'valid', 'ok'],
    [301, 'unavailable', 'unavailable', 'unavailable', 'pass'],
    [400, 'rejected', 'rejected', 'rejected', 'pass'],
    [401, 'unauthorized', 'unauthorized', 'invalid', 'rejection'],
    [403, 'rejected', 'rejected', 'rejected', 'pass'],
    [404, 'rejected', 'rejected', 'rejected', 'pass'],
    [415, 'rejected', 'rejected', 'rejected', 'pass'],
    [429, 'throttled', 'throttled', 'throttled', 'throttled'],
    [500, 'unavailable', 'unavailable', 'unavailable', 'pass'],
    [502, 'unavailable', 'unavailable', 'unavailable', 'pass'],
    [503, 'unavailable', 'unavailable', 'unavailable', 'pass'],
    [504, 'unavailable', 'unavailable', 'unavailable', 'pass'],
    [599, 'unavailable', 'unavailable', 'unavailable', 'pass'],
    [0, 'unavailable', 'unavailable', 'unavailable', 'pass'],
    [101, 'unavailable', 'unavailable', 'unavailable', 'pass'],
    [999, 'unavailable', 'unavailable', 'unavailable', 'pass'],
  ])('%i: create %s, refresh %s, validate %s, API %s', (status, create, refresh, validate, api) => {
    expect(tokenReplyKind('create', status)).toBe(create)
    expect(tokenReplyKind('refresh', status)).toBe(refresh)
    expect(tokenReplyKind('validate', status)).toBe(validate)
    expect(apiReplyKind(status)).toBe(api)
  })

  test('every status the guide lists has its own line', () => {
    const own = new Set(REPLIES.map((row) => row.status))
    for (const status of [200, 400, 401, 429, 500, 502, 504] as const) expect(own).toContain(status)
  })

  test('D-api-403: only the code token_not_valid makes a 403 a rejection, and only at the API', () => {
    expect(apiReplyKind(403, 'token_not_valid')).toBe('rejection')
    expect(apiReplyKind(403, 'permission_denied')).toBe('pass')
    expect(tokenReplyKind('refresh', 403, 'token_not_valid')).toBe('rejected')
  })

  test('D-api-5xx: every 5xx of the API, and no other status, is told by that decision', () => {
    for (const status of [500, 503, 599]) expect(reactionTo('api', status).clause).toBe('D-api-5xx')
    for (const status of [499, 600, 0]) expect(reactionTo('api', status).clause).not.toBe('D-api-5xx')
  })

  test('a code changes no other status', () => {
    expect(apiReplyKind(400, 'token_not_valid')).toBe('pass')
    expect(apiReplyKind(401, 'user_inactive')).toBe('rejection')
  })

  test('D-refresh-429: a refresh 429 is a pause, no rejection', () => {
    expect(reactionTo('refresh', 429)).toEqual({ kind: 'throttled', clause: 'D-refresh-429' })
    expect(reactionTo('refresh', 422)).toEqual({ kind: 'rejected', clause: 'refresh-4xx-recreates' })
    expect(reactionTo('create', 422)).toEqual({ kind: 'rejected', clause: 'D-create-4xx' })
  })
})
