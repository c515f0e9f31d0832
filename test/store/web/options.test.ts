import { describe, expect, it } from 'vitest'
import { AuthError } from '../../../src/index.ts'
import { webStore } from '../../../src/store/web/index.ts'
import { parseOptions, type Scope } from '../../../src/store/web/options.ts'
import { sessionStorageOf } from './tabs.ts'

const page: Scope = { navigator, BroadcastChannel, sessionStorage: sessionStorageOf() }

const refusal = (work: () => unknown) => {
  try {
    work()
  } catch (error) {
    expect(error).toBeInstanceOf(AuthError)
    expect(error).toMatchObject({ code: 'CONFIG_INVALID' })
    return (error as AuthError).message
  }
  throw new Error('was accepted')
}

describe('the options of webStore', () => {
  it('may all be left out', async () => {
    await webStore().close?.()
    expect(parseOptions({}, page).prefix).toBe('compliancely-auth:')
  })

  it.each([
    [{ keeps: 'session' }, "'keep'"],
    [{ keep: 'local' }, "'memory' or 'session'"],
    [{ prefix: '' }, 'letters'],
    // The browser keeps these names for itself.
    [{ prefix: '-a' }, 'letters'],
    [{ prefix: 'a b' }, 'letters'],
    [{ prefix: 'a'.repeat(65) }, '1–64'],
    [{ prefix: 5 }, 'letters'],
    [{ clock: {} }, 'a Clock'],
    [null, 'an object'],
  ])('%j is refused, and says what is allowed', (options, allowed) => {
    expect(refusal(() => parseOptions(options as never, page))).toContain(allowed)
  })

  it.each([
    ['Web Locks', { BroadcastChannel }],
    ['Web Locks', { navigator: {}, BroadcastChannel }],
    ['BroadcastChannel', { navigator }],
  ])('a page without %s is told what is needed', (lacking, scope: Scope) => {
    const message = refusal(() => parseOptions({}, scope))
    expect(message).toContain(lacking)
    expect(message).toContain('https or from localhost')
  })

  it('a page whose sessionStorage is blocked is told to keep in memory', () => {
    const blocked: Scope = {
      ...page,
      get sessionStorage(): Storage {
        throw new DOMException('denied', 'SecurityError')
      },
    }
    expect(refusal(() => parseOptions({ keep: 'session' }, blocked))).toContain("'memory'")
    expect(refusal(() => parseOptions({ keep: 'session' }, { navigator, BroadcastChannel }))).toContain("'memory'")
    expect(parseOptions({ keep: 'memory' }, blocked).prefix).toBe('compliancely-auth:')
  })
})
