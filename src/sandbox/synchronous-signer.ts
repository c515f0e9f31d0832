import type { SignerFactory } from './signer.ts'

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

/**
 * HS256 on this thread, by Node's `createHmac`: the same tokens as `joseSigner`, in the order they were asked for.
 * Node only; throws elsewhere.
 */
export const synchronousSigner: SignerFactory = (key) => {
  // Not an `import`: bundlers for the browser must be able to leave this function out.
  const { createHmac, createSecretKey, timingSafeEqual } = process.getBuiltinModule('node:crypto')
  const secret = createSecretKey(key, 'utf8')
  const protectedHeader = encode({ alg: 'HS256', typ: 'JWT' })
  const mac = (text: string) => createHmac('sha256', secret).update(text).digest()
  return {
    sign(claims) {
      const signed = `${protectedHeader}.${encode(claims)}`
      return `${signed}.${mac(signed).toString('base64url')}`
    },
    verify(token) {
      const [header, payload, signature, ...rest] = token.split('.')
      if (header !== protectedHeader || payload === undefined || signature === undefined || rest.length > 0)
        return undefined
      const expected = mac(`${header}.${payload}`)
      const given = Buffer.from(signature, 'base64url')
      if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined
      try {
        return JSON.parse(Buffer.from(payload, 'base64url').toString())
      } catch {
        return undefined
      }
    },
  }
}
