import { compactVerify, SignJWT } from 'jose'
import type { TokenClaims } from './tokens.ts'

/** Signs and verifies the sandbox's tokens with one key. Only the signature: expiry is judged by the server's clock. */
export interface Signer {
  /** A compact JWT (HS256) over `claims`. */
  sign(claims: TokenClaims): string | Promise<string>
  /** The claims, or `undefined` when the signature is not of this key. Does not throw. */
  verify(token: string): unknown | Promise<unknown>
}

/** Makes the {@link Signer} of a key. `joseSigner` (the default, WebCrypto) or `synchronousSigner` (Node, for simulation). */
export type SignerFactory = (key: string) => Signer

/**
 * HS256 by jose and WebCrypto; runs anywhere. It signs off this thread and so finishes out of order: where two runs
 * must be alike, use `synchronousSigner`.
 */
export const joseSigner: SignerFactory = (key) => {
  const bytes = new TextEncoder().encode(key)
  return {
    sign: (claims) => new SignJWT({ ...claims }).setProtectedHeader({ alg: 'HS256', typ: 'JWT' }).sign(bytes),
    async verify(token) {
      try {
        const { payload } = await compactVerify(token, bytes, { algorithms: ['HS256'] })
        return JSON.parse(new TextDecoder().decode(payload))
      } catch {
        return undefined
      }
    },
  }
}
