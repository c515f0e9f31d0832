import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { AuthError } from '../../src/errors.ts'
import {
  configError,
  DEFAULT_POLICY,
  isPolicyId,
  nearestName,
  type PolicyOptions,
  parsePolicy,
  unknownOptionError,
} from '../../src/policy/index.ts'

/** The message of the `CONFIG_INVALID` that `input` must cause. */
function refusal(input: unknown): string {
  try {
    parsePolicy(input)
  } catch (error) {
    expect(error).toBeInstanceOf(AuthError)
    expect((error as AuthError).code).toBe('CONFIG_INVALID')
    return (error as AuthError).message
  }
  throw new Error(`${inspect(input)} was accepted`)
}

describe('policy options', () => {
  it('are the documented ones by default', () => {
    expect(parsePolicy()).toEqual(DEFAULT_POLICY)
    expect(parsePolicy({})).toEqual(DEFAULT_POLICY)
    expect(DEFAULT_POLICY).toMatchObject({
      accessLifetimeMs: 60 * 60_000,
      refreshLifetimeMs: 24 * 3_600_000,
      refreshWindowStartMs: 15 * 60_000,
      refreshWindowEndMs: 10 * 60_000,
      rotateWithinMs: 12 * 3_600_000,
      pauseMs: 10 * 60_000,
      budgetLimit: 10,
      budgetWindowMs: 60_000,
      paths: { create: '/api/v2/token/' },
    })
  })

  it('override one default each, nested ones too', () => {
    expect(parsePolicy({ budgetLimit: 5, paths: { create: '/api/v2/token/create' } })).toEqual({
      ...DEFAULT_POLICY,
      budgetLimit: 5,
      paths: { ...DEFAULT_POLICY.paths, create: '/api/v2/token/create' },
    })
  })

  it('take undefined for the default', () => {
    expect(parsePolicy({ pauseMs: undefined, paths: undefined, wireNames: { token: undefined } })).toEqual(
      DEFAULT_POLICY,
    )
    expectTypeOf<{ pauseMs: undefined; paths: { create: string } }>().toExtend<PolicyOptions>()
  })

  it('are parsed to the same policy when they are a whole one', () => {
    expect(parsePolicy(DEFAULT_POLICY)).toEqual(DEFAULT_POLICY)
  })

  const milliseconds = 'but must be a whole number of milliseconds from 1_000 to 2_147_483_647'
  it.each([
    [{ pauseMs: -1 }, `option 'pauseMs' is -1, ${milliseconds}`],
    [{ pauseMs: Number.NaN }, `option 'pauseMs' is NaN, ${milliseconds}`],
    [{ pauseMs: Number.POSITIVE_INFINITY }, `option 'pauseMs' is Infinity, ${milliseconds}`],
    [{ pauseMs: 2 ** 31 }, `option 'pauseMs' is 2147483648, ${milliseconds}`],
    [{ pauseMs: 0.5 }, `option 'pauseMs' is 0.5, ${milliseconds}`],
    [{ pauseMs: '600000' }, `option 'pauseMs' is '600000', ${milliseconds}`],
    [{ pauseMs: null }, `option 'pauseMs' is null, ${milliseconds}`],
    [{ proactive: 'cron' }, `option 'proactive' is 'cron', but must be 'timer' or 'onDemand'`],
    [{ budgetScope: 'host' }, `option 'budgetScope' is 'host', but must be 'account' or 'origin'`],
    [{ apiPause: 1 }, `option 'apiPause' is 1, but must be true or false`],
    [{ budgetLimit: 0 }, `option 'budgetLimit' is 0, but must be a whole number of requests from 1 to 10_000`],
    [{ paths: 3 }, `option 'paths' is 3, but must be an object with any of create, refresh, validate`],
    [3, `option 'policy' is 3, but must be an object of policy options`],
    [[], `option 'policy' is an array, but must be an object of policy options`],
  ])('refuse %j and say what is allowed', (input, message) => {
    expect(refusal(input)).toBe(message)
  })

  it.each(['token/', '//other.example/token/', '/token?x=1', '/token#x', '/to ken', '/\\other.example', ''])(
    'refuse %j as a path',
    (create) => {
      expect(refusal({ paths: { create } })).toContain(`option 'paths.create' is '${create}', but must be a path`)
    },
  )

  it.each([
    [{ refreshWindowStartMs: 3_600_000 }, 'refreshWindowStartMs', 'less than accessLifetimeMs, which is 3600000'],
    [{ accessLifetimeMs: 300_000 }, 'refreshWindowStartMs', 'less than accessLifetimeMs, which is 300000'],
    [{ refreshWindowEndMs: 900_001 }, 'refreshWindowEndMs', 'at most refreshWindowStartMs, which is 900000'],
    [{ rotateWithinMs: 86_400_001 }, 'rotateWithinMs', 'at most refreshLifetimeMs, which is 86400000'],
    [{ youngRejectionMs: 3_600_000 }, 'youngRejectionMs', 'less than accessLifetimeMs, which is 3600000'],
    [{ backOffMinMs: 600_001 }, 'backOffMinMs', 'at most backOffMaxMs, which is 600000'],
    [{ leaseRenewMs: 15_000 }, 'leaseRenewMs', 'less than leaseMs, which is 15000'],
    [{ wireNames: { username: 'password' } }, 'wireNames.password', 'another name than wireNames.username'],
  ])('refuse the contradiction %j', (input, option, allowed) => {
    const message = refusal(input)
    expect(message.startsWith(`option '${option}' is `), message).toBe(true)
    expect(message).toContain(`but must be ${allowed}`)
  })

  it.each<[PolicyOptions]>([
    [{ refreshWindowStartMs: 3_599_999 }],
    [{ refreshWindowEndMs: 900_000 }],
    [{ rotateWithinMs: 86_400_000 }],
    [{ youngRejectionMs: 3_599_999 }],
    [{ backOffMinMs: 600_000 }],
    [{ leaseRenewMs: 14_999 }],
  ])('take %j, which is just no contradiction', (options) => {
    expect(parsePolicy(options)).toMatchObject(options)
  })

  it('refuse an unknown option and name the nearest known one', () => {
    expect(refusal({ pauseMS: 3 })).toContain(`option 'pauseMS' (3) is unknown; the nearest known one is 'pauseMs'`)
    expect(refusal({ pauseMS: 3 })).toContain('skewLeewayMs')
    expect(refusal({ paths: { creat: 3 } })).toBe(
      `option 'paths.creat' (3) is unknown; the nearest known one is 'paths.create', allowed are create, refresh, validate`,
    )
    expect(refusal({ constructor: 3 })).toContain(`option 'constructor' (3) is unknown`)
  })

  it('never yield a policy with a number that is not finite', () => {
    const names = Object.keys(DEFAULT_POLICY)
    const values = fc.oneof(fc.double(), fc.integer(), fc.constantFrom('timer', true, undefined, null))
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), values, { noNullPrototype: false }), (options) => {
        try {
          const numbers = Object.values(parsePolicy(options)).filter((value) => typeof value === 'number')
          return numbers.every((value) => Number.isSafeInteger(value) && value >= 0)
        } catch (error) {
          return error instanceof AuthError && error.code === 'CONFIG_INVALID'
        }
      }),
    )
  })
})

describe('policy option docs', () => {
  const source = readFileSync('src/policy/schema.ts', 'utf8')
  const body = source.slice(source.indexOf('export interface Policy {'), source.indexOf('/** What {@link parsePolicy}'))
  const docs = new Map(
    [...body.matchAll(/ {2}\/\*\*([^/]*(?:\/(?!\n)[^/]*)*)\*\/\n {2}readonly (\w+)/g)].map(([, doc, name]) => [
      name,
      doc,
    ]),
  )

  it.each(Object.entries(DEFAULT_POLICY))('%s says its range, default and clause as they are', (name, value) => {
    const doc = docs.get(name) ?? ''
    const ids = [...(doc.split('@see')[1] ?? '').matchAll(/`([\w-]+)`/g)].map(([, id]) => id ?? '')
    expect(ids.length, 'ids').toBeGreaterThan(0)
    for (const id of ids) expect(isPolicyId(id), id).toBe(true)

    if (typeof value === 'object') {
      for (const nested of Object.values(value)) expect(doc).toContain(`\`${nested}\``)
      return
    }
    const shown = typeof value === 'number' ? String(value).replace(/\B(?=(\d{3})+$)/g, '_') : inspect(value)
    expect(doc).toContain(`Default ${shown}.`)
    if (typeof value !== 'number') return
    const [, min = '', max = ''] = /([\d_]+)–([\d_]+)/.exec(doc) ?? []
    const beyond = Number(max.replaceAll('_', '')) + 1
    expect(refusal({ [name]: beyond })).toContain(`from ${min} to ${max}`)
  })
})

describe('configError', () => {
  it('shows no value of a secret option, nor a password inside a URL', () => {
    const secret = 'hunter2-canary'
    const errors = [
      configError('credentials.password', secret, 'a string'),
      configError('password', { secret }, 'a string'),
      configError('credentials', [secret], 'an object'),
      configError('baseURL', `https://me:${secret}@api.example/`, 'an https URL'),
      configError('account', { toString: () => secret }, 'a string'),
      configError(
        'fetch',
        Object.assign(() => secret, { secret }),
        'a function',
      ),
      unknownOptionError('passwrod', secret, ['password', 'username']),
    ]
    for (const error of errors) expect(inspect(error, { showHidden: true, depth: 9 })).not.toContain(secret)
    expect(errors[0]?.message).toBe(`option 'credentials.password' is a string, but must be a string`)
    expect(errors[6]?.message).toContain(`the nearest known one is 'password'`)
  })

  it('cuts a long value', () => {
    expect(configError('baseURL', 'x'.repeat(1_000), 'a URL').message.length).toBeLessThan(120)
  })

  it('finds the nearest name', () => {
    expect(nearestName('acessLifetimMs', Object.keys(DEFAULT_POLICY))).toBe('accessLifetimeMs')
    expect(nearestName('PAUSEMS', Object.keys(DEFAULT_POLICY))).toBe('pauseMs')
  })
})
