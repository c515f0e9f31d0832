import type { ObservedSend } from '../../src/monitors/index.ts'
import type { Sandbox } from '../../src/sandbox/index.ts'
import type { Served } from '../../src/sandbox/wire.ts'
import type { VirtualClock } from '../../src/testing.ts'
import type { Grant } from './judge.ts'

/** What this world knows of the tokens that are about. */
export type KnownTokens = ReturnType<typeof createKnownTokens>

export function createKnownTokens(clock: VirtualClock, sandbox: Sandbox) {
  const tokens = new Map<string, { jti: string; expAtMs: number }>()
  const grants = new Map<string, Grant>()
  const lookAt = (token: string) => {
    const known = tokens.get(token)
    if (known !== undefined) return known
    const { jti, exp } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    const seen = { jti: String(jti), expAtMs: exp * 1000 - sandbox.modes.skewMs }
    if (tokens.size > 1000) tokens.clear()
    tokens.set(token, seen)
    return seen
  }
  const orderOf = (jti: string) => Number(jti.slice(jti.indexOf('-') + 1))

  /** What arrived of a grant. */
  const granted = ({ reply: { status, body: sentBody }, cut }: Served, sent: ObservedSend) => {
    if (status !== 200 || cut || (sent.endpoint !== 'create' && sent.endpoint !== 'refresh')) return {}
    try {
      const body = typeof sentBody === 'string' ? JSON.parse(sentBody) : sentBody
      const access = body.new_access_token ?? body.access_token ?? body.access
      const refresh = body.new_refresh_token ?? body.refresh_token ?? body.refresh
      // A create without a refresh token is malformed to the client.
      if (typeof access !== 'string' || (sent.endpoint === 'create' && typeof refresh !== 'string')) return {}
      const { jti, expAtMs: grantedAccessExpAtMs } = lookAt(access)
      const arrived = { grantedAccessId: jti, grantedAccessExpAtMs }
      grants.set(jti, { order: orderOf(jti), sentAtMs: sent.sentAtMs, answeredAtMs: clock.now() })
      if (typeof refresh !== 'string') return arrived
      const { jti: grantedRefreshId, expAtMs: grantedRefreshExpAtMs } = lookAt(refresh)
      return { ...arrived, grantedRefreshId, grantedRefreshExpAtMs }
    } catch {
      return {}
    }
  }

  return { lookAt, orderOf, grants, granted }
}
