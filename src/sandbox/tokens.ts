import type { Clock } from '../clock.ts'
import type { SandboxModes } from './modes.ts'
import type { Signer, SignerFactory } from './signer.ts'

/** The two kinds of token, as `token_type` says it. */
export type TokenKind = 'access' | 'refresh'

/** The claims of a token, as simplejwt writes them. */
export interface TokenClaims {
  token_type: TokenKind
  /** Seconds since the epoch, server's clock. */
  exp: number
  iat: number
  jti: string
  user_id: string
}

/** What is wrong with a presented token. */
export type TokenFault = 'invalid' | 'expired' | 'revoked'

/** A presented token, looked at. `claims` are there when the signature holds or this sandbox once issued it. */
export interface PresentedToken {
  claims: TokenClaims | undefined
  verified: boolean
}

/** A token about to be signed. */
export interface Minted {
  claims: TokenClaims
  token: string | Promise<string>
}

/** Issues, recognises and revokes tokens. Everything but `inspect` is synchronous, so that state changes at one instant. */
export interface Tokens {
  mint(kind: TokenKind, userId: string, iat?: number): Minted
  inspect(token: string): Promise<PresentedToken>
  /** `undefined` when the token is good at this moment of the server's clock. Says nothing about its kind. */
  fault(presented: PresentedToken): TokenFault | undefined
  revoke(claims: TokenClaims): void
  revokeAll(kind?: TokenKind): void
  changeSigningKey(): void
  /** The server's clock, ms since the epoch: the sandbox's and the skew. */
  nowMs(): number
}

/** What {@link createTokens} needs. */
export interface TokensConfig {
  clock: Clock
  modes: Readonly<SandboxModes>
  signer: SignerFactory
  signingKey: string
  jti: (kind: TokenKind) => string
}

/** Creates the server's issuer. */
export function createTokens({ clock, modes, signer: signerOf, signingKey, jti }: TokensConfig): Tokens {
  const issued = new Map<string, TokenKind>()
  const revoked = new Set<string>()
  let keyChanges = 0
  let signer: Signer = signerOf(signingKey)
  const nowMs = () => clock.now() + modes.skewMs
  const held = <T>(work: T | Promise<T>) => (work instanceof Promise && clock.hold ? clock.hold(work) : work)

  return {
    nowMs,
    mint(kind, userId, iat = Math.floor(nowMs() / 1000)) {
      const lifetimeS = kind === 'access' ? modes.accessLifetimeS : modes.refreshLifetimeS
      const exp = Math.floor(nowMs() / 1000 + lifetimeS)
      const claims: TokenClaims = { token_type: kind, exp, iat, jti: jti(kind), user_id: userId }
      issued.set(claims.jti, kind)
      return { claims, token: held(signer.sign(claims)) }
    },
    async inspect(token) {
      const verified = asClaims(await held(signer.verify(token)))
      if (verified) return { claims: verified, verified: true }
      const claimed = asClaims(payloadOf(token))
      return { claims: claimed && issued.has(claimed.jti) ? claimed : undefined, verified: false }
    },
    fault({ claims, verified }) {
      if (!verified || claims === undefined) return 'invalid'
      if (claims.exp * 1000 <= nowMs()) return 'expired'
      return revoked.has(claims.jti) ? 'revoked' : undefined
    },
    revoke: (claims) => void revoked.add(claims.jti),
    revokeAll(kind) {
      for (const [id, issuedKind] of issued) if (kind === undefined || kind === issuedKind) revoked.add(id)
    },
    changeSigningKey() {
      signer = signerOf(`${signingKey}#${++keyChanges}`)
    },
  }
}

/** The payload of a JWT whose signature nobody looked at. */
function payloadOf(token: string): unknown {
  try {
    return JSON.parse(atob((token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/')))
  } catch {
    return undefined
  }
}

function asClaims(value: unknown): TokenClaims | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { token_type, exp, iat, jti, user_id } = value as Record<string, unknown>
  if (token_type !== 'access' && token_type !== 'refresh') return undefined
  if (typeof exp !== 'number' || typeof iat !== 'number') return undefined
  if (typeof jti !== 'string' || typeof user_id !== 'string') return undefined
  return { token_type, exp, iat, jti, user_id }
}
