import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { configError, nearestName, unknownOptionError } from '../../src/policy/config-error.ts'

const shown = (option: string, value: unknown) =>
  /is (.*), but must be x$/.exec(configError(option, value, 'x').message)?.[1]

describe('the value in a message', () => {
  it.each([
    [undefined, 'missing'],
    [null, 'null'],
    [[1], 'an array'],
    [{ a: 1 }, 'an object'],
    [3, '3'],
    [true, 'true'],
    ['text', `'text'`],
    ['x'.repeat(60), `'${'x'.repeat(60)}'`],
    ['x'.repeat(61), `'${'x'.repeat(60)}…'`],
    ['https://me:hunter2@api.example/', `'https://[secret]@api.example/'`],
    [() => 3, 'a function'],
    [Symbol('s'), 'a symbol'],
  ])('%s', (value, text) => {
    expect(shown('baseURL', value)).toBe(text)
  })

  it.each(['credentials', 'username', 'password', 'access', 'refresh', 'token'])('is never that of %s', (name) => {
    expect(shown(name, 3)).toBe('a number')
    expect(shown(`nested.${name}`, 'hunter2')).toBe('a string')
    expect(shown(name, undefined)).toBe('missing')
  })
})

describe('an unknown option', () => {
  it('is told with the nearest one of its own level, its value only when that is no string', () => {
    const known = ['create', 'refresh', 'validate']
    const { message } = unknownOptionError('paths.craete', 'hunter2', known)
    expect(message).toBe(
      `option 'paths.craete' (a string) is unknown; the nearest known one is 'paths.create', allowed are create, refresh, validate`,
    )
    expect(unknownOptionError('craete', 3, known).message).toContain(
      `option 'craete' (3) is unknown; the nearest known one is 'create'`,
    )
  })
})

describe('the nearest name', () => {
  // The definition of Levenshtein's distance, letter by letter; the product works row by row.
  const distance = (a: string, b: string): number => {
    if (a === '' || b === '') return Math.max(a.length, b.length)
    const replaced = distance(a.slice(1), b.slice(1)) + (a[0] === b[0] ? 0 : 1)
    return Math.min(replaced, distance(a.slice(1), b) + 1, distance(a, b.slice(1)) + 1)
  }
  const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 5 })

  it('takes the fewest edits', () => {
    fc.assert(
      fc.property(word, fc.array(word, { minLength: 1, maxLength: 4 }), (name, known) => {
        const fewest = Math.min(...known.map((candidate) => distance(name, candidate)))
        expect(nearestName(name, known)).toBe(known.find((candidate) => distance(name, candidate) === fewest))
      }),
    )
  })

  it('is looked for on the level of the option, whatever stands before the dot', () => {
    expect(unknownOptionError('a.bcd', 3, ['bce', 'abcd']).message).toContain(`the nearest known one is 'a.bce'`)
  })

  it('does not look at the case of letters', () => {
    expect(nearestName('PAUSEMS', ['leaseMs', 'pauseMs'])).toBe('pauseMs')
    expect(nearestName('pausems', ['leasems', 'PAUSEMS'])).toBe('PAUSEMS')
  })

  it('is empty where nothing is known', () => {
    expect(nearestName('a', [])).toBe('')
  })
})
