import { type ApiReplyKind, apiReplyKind } from '../policy/outcomes.ts'
import { readUpTo } from './body-bytes.ts'

/** An error body with a `code` is far shorter than this. */
const CODE_WITHIN_BYTES = 16_384

/** An answer, and what it is. */
export interface Reply {
  readonly response: Response
  readonly kind: ApiReplyKind
  readonly code?: string | undefined
}

/** Only of a 403 does the body matter. `D-api-403` */
export const replyOf = (response: Response): Reply | Promise<Reply> =>
  response.status === 403
    ? codeOf(response).then((code) => ({ response, kind: apiReplyKind(response.status, code), code }))
    : { response, kind: apiReplyKind(response.status) }

async function codeOf(response: Response): Promise<string | undefined> {
  if (!response.body || !/\bjson\b/i.test(response.headers.get('content-type') ?? '')) return undefined
  try {
    const bytes = await readUpTo(response.clone(), CODE_WITHIN_BYTES)
    const { code } = JSON.parse(new TextDecoder().decode(bytes))
    return typeof code === 'string' ? code : undefined
  } catch {
    return undefined
  }
}
