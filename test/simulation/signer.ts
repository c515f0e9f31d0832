import { type SignerFactory, synchronousSigner } from '../../src/sandbox/index.ts'

/** A token is looked at many times; what this key has signed needs no look at all. */
export const rememberingSigner: SignerFactory = (key) => {
  const { sign, verify } = synchronousSigner(key)
  const verified = new Map<string, unknown>()
  return {
    sign(claims) {
      const token = sign(claims)
      if (typeof token === 'string') verified.set(token, claims)
      return token
    },
    verify(token) {
      if (verified.has(token)) return verified.get(token)
      if (verified.size > 100) verified.clear()
      const found = verify(token)
      verified.set(token, found)
      return found
    },
  }
}
