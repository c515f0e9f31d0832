import type { CallFault } from '../../src/sandbox/index.ts'
import { LONGEST_RETRY_AFTER_MS, WATCHED } from './limits.ts'
import type { Random } from './random.ts'
import { SECOND } from './units.ts'

export const kindOfFault = (endpoint: string, word: string) =>
  `${endpoint === 'api' ? 'api' : 'token'} ${word.replace(/^(latency|reply-latency)=.*/, '$1')}`

/** A fault of the next requests. */
export function drawFault(random: Random): CallFault {
  const endpoint = random.pick([
    'create',
    'create',
    'refresh',
    'refresh',
    'refresh',
    'validate',
    'token',
    'api',
    'any',
  ] as const)
  const often = random.chance(0.2) ? { times: 2 + random.below(8) } : {}
  const later = random.chance(0.2) ? { skip: random.below(3) } : {}
  const slow = {
    ...(random.chance(0.2) ? { latencyMs: random.spread(10, 45 * SECOND) } : {}),
    ...(random.chance(0.2) ? { replyLatencyMs: random.spread(10, 45 * SECOND) } : {}),
  }
  const retryAfter = () => {
    const seconds = random.below(LONGEST_RETRY_AFTER_MS / SECOND)
    return random.pick([
      {},
      {},
      { headers: { 'Retry-After': String(seconds) } },
      { headers: { 'Retry-After': 'soon' } },
    ])
  }
  const base = { endpoint, ...often, ...later, ...slow }
  const mayHang = endpoint !== 'api' && endpoint !== 'any'
  switch (random.below(9)) {
    case 0:
      return { ...base, status: 429, ...retryAfter() }
    case 1:
      return { ...base, status: random.pick([500, 502, 503, 504]), ...(random.chance(0.3) ? { acts: true } : {}) }
    case 2:
      return { ...base, status: random.pick([401, 401, 400, 403, 404, 418]) }
    case 3:
      return { ...base, drop: random.pick(['before', 'after'] as const) }
    case 4:
      return {
        ...base,
        hang: random.pick(['before', 'after'] as const),
        ...(mayHang ? {} : { endpoint: 'api', path: WATCHED }),
      }
    case 5:
      return { ...base, garble: random.pick(['truncated', 'text', 'html', 'empty', 'cut'] as const) }
    case 6:
      return { ...base, omit: random.pick([['access'], ['refresh'], ['access_expiry_seconds'], ['refresh', 'access']]) }
    case 7:
      return { ...base, status: 200, body: random.pick(['null', '[]', '{"access":"","refresh":7}', { access: 5 }]) }
    default:
      return {
        endpoint,
        ...often,
        ...later,
        latencyMs: random.spread(10, 45 * SECOND),
        replyLatencyMs: random.below(30_000),
      }
  }
}
