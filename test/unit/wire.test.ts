import { describe, expect, test } from 'vitest'
import { parseCode, parseGranted, parseJSON, parseValid, tokenTimes } from '../../src/http/wire.ts'
import { Secret } from '../../src/secret.ts'

/** What a parsed reply holds, in the open. */
const revealed = (endpoint: 'create' | 'refresh', body: unknown) => {
  const reply = parseGranted(endpoint, body)
  if ('malformed' in reply) return reply
  return { ...reply, access: reply.access.reveal(), refresh: reply.refresh?.reveal() }
}

const jwt = (payload: string) => {
  const encoded = btoa(payload).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
  return new Secret(`eyJhbGciOiJIUzI1NiJ9.${encoded}.c2ln`)
}

describe('D-wire-names: every spelling of guide and reference', () => {
  test.each([
    ['reference', { access: 'a', refresh: 'r', access_expiry_seconds: 3600, refresh_expiry_seconds: 86400 }],
    [
      'guide, create',
      { access_token: 'a', refresh_token: 'r', access_expiry_seconds: 3600, refresh_expiry_seconds: 86400 },
    ],
    [
      'guide, refresh',
      { new_access_token: 'a', new_refresh_token: 'r', access_expiry_seconds: '3600', refresh_expiry_seconds: '86400' },
    ],
  ])('%s', (_, body) => {
    const reply = { access: 'a', refresh: 'r', accessExpirySeconds: 3600, refreshExpirySeconds: 86400 }
    expect(revealed('create', body)).toEqual(reply)
    expect(revealed('refresh', body)).toEqual(reply)
  })

  test('unknown fields and absent lifetimes are fine', () => {
    const body = { access: 'a', refresh: 'r', user: { id: 1 }, access_expiry_seconds: null }
    expect(revealed('create', body)).toMatchObject({ access: 'a', refresh: 'r', accessExpirySeconds: undefined })
  })

  test('a reply that repeats the old token is read for its new one', () => {
    const body = { access: 'old', refresh: 'old', new_access_token: 'new', new_refresh_token: 'newer' }
    expect(revealed('refresh', body)).toMatchObject({ access: 'new', refresh: 'newer' })
  })

  test.each([
    ['an empty token', { access: '', refresh: 'r' }, 'access'],
    ['a number for a token', { access: 'a', refresh: 7 }, 'refresh'],
    ['a token no header can carry', { access: 'a\r\nx: y', refresh: 'r' }, 'access'],
    ['a token with a space', { access_token: 'a b', refresh: 'r' }, 'access_token'],
    ['no access token', { refresh: 'r' }, 'access'],
    ['a lifetime in words', { access: 'a', refresh: 'r', access_expiry_seconds: 'an hour' }, 'access_expiry_seconds'],
    ['an infinite lifetime', parseJSON('{"access":"a","refresh":"r","access_expiry_seconds":1e999}'), 'access_expiry'],
    ['an array', [], 'JSON object'],
    ['a string', 'token', 'JSON object'],
    ['no JSON', parseJSON('<html>'), 'JSON object'],
  ])('malformed: %s', (_, body, named) => {
    expect(revealed('refresh', body)).toEqual({ malformed: expect.stringContaining(named) })
  })

  test('the reason of a malformed reply names every field', () => {
    expect(parseGranted('create', { access: 7, refresh: 7 })).toEqual({ malformed: 'unusable access, refresh' })
  })

  test('the reason of a malformed reply holds no value', () => {
    const reply = parseGranted('create', { access: 'CANARY one', refresh: 7, refresh_expiry_seconds: 'CANARY two' })
    expect(JSON.stringify(reply)).not.toContain('CANARY')
  })

  test('the tokens of a reply do not print', () => {
    expect(JSON.stringify(parseGranted('create', { access: 'CANARY', refresh: 'CANARY' }))).not.toContain('CANARY')
  })
})

test('D-partial-refresh: a refresh may be answered without a refresh token, a create may not', () => {
  expect(revealed('refresh', { access: 'a' })).toMatchObject({ access: 'a', refresh: undefined })
  expect(revealed('refresh', { access: 'a', refresh: null })).toMatchObject({ access: 'a', refresh: undefined })
  expect(revealed('create', { access: 'a' })).toEqual({ malformed: 'no refresh token' })
})

describe('tokenTimes', () => {
  test('reads exp and iat of a JWT', () => {
    expect(tokenTimes(jwt('{"exp":1767603600,"iat":1767600000}'))).toEqual({ exp: 1767603600, iat: 1767600000 })
  })

  test('reads base64url', () => {
    expect(tokenTimes(jwt('{"name":"\u00ff\u00fe\u00fb>>>???","exp":5}'))).toMatchObject({ exp: 5 })
  })

  test('D-lifetimes: passes an infinite exp on', () => {
    expect(tokenTimes(jwt('{"exp":1e999}'))).toMatchObject({ exp: Number.POSITIVE_INFINITY })
  })

  test.each([
    ['an opaque token', new Secret('0123456789abcdef')],
    ['two parts', new Secret('a.eyJleHAiOjV9')],
    ['three parts that are no JWT', new Secret('a.!.c')],
    ['an encrypted token', new Secret('a.eyJleHAiOjV9.c.d.e')],
    ['a payload that is no object', jwt('null')],
    ['times that are no numbers', jwt('{"exp":"5","iat":null}')],
  ])('%s has none', (_, token) => {
    const { exp, iat } = tokenTimes(token)
    expect([exp, iat]).toEqual([undefined, undefined])
  })
})

describe('validate-optionally: the remaining lifetime is read wherever it is', () => {
  test.each([
    ['none', {}, undefined],
    ['access_expiry_seconds', { access_expiry_seconds: 60 }, 60_000],
    ['expires_in as text', { expires_in: '90.5' }, 90_500],
    ['the smallest of several', { expiry_seconds: 60, remaining_seconds: 50 }, 50_000],
    ['none that is left', { expires_in: 0 }, undefined],
    ['exp, by the Date of the reply', { exp: 1000 }, 400_000],
    ['unusable ones are passed over', { expires_in: 'soon', expiry_seconds: -1, remaining_seconds: 7 }, 7_000],
  ])('%s', (_, body, expiresInMs) => {
    expect(parseValid(body, 600_000)).toEqual({ expiresInMs })
  })

  test('an exp without a Date says nothing', () => {
    expect(parseValid({ exp: 1000 }, undefined)).toEqual({ expiresInMs: undefined })
  })

  test('malformed: no JSON object', () => {
    expect(parseValid(undefined, 0)).toHaveProperty('malformed')
  })
})

test('parseCode takes an identifier and nothing else', () => {
  expect(parseCode({ code: 'token_not_valid', detail: 'x' })).toBe('token_not_valid')
  for (const body of [{ code: 'eyJhbGci.eyJzdWIi.c2ln' }, { code: 7 }, {}, [], 'code', undefined])
    expect(parseCode(body)).toBeUndefined()
})
