import { LEFT_OUT } from './bytes/json-pieces.ts'
import { field, number, parsed, text } from './json-values.ts'

/** Text of a body; `undefined` when there was one and the recording does not hold it. */
export type Body = string | undefined

/** Requests that are sent without a body. */
const WITHOUT_BODY = ['GET', 'HEAD', 'OPTIONS', 'DELETE']

/** What the client sent; `''` when it sent nothing: a size of -1, or none, says only that the recording does not know. */
export function requestBody(request: unknown, method: string, headers: ReadonlyMap<string, string>): Body {
  const postData = field(request, 'postData')
  const said = decoded(postData)
  if (said !== undefined && said !== '') return said === LEFT_OUT ? undefined : said
  const form = formOf(field(postData, 'params'))
  if (form !== '') return form
  const size = Math.max(number(field(request, 'bodySize')) ?? -1, number(headers.get('content-length')) ?? -1)
  return size > 0 || (size < 0 && !WITHOUT_BODY.includes(method)) ? undefined : ''
}

/** What the server answered. An empty text is taken for one that is missing: producers write both for either. */
export function responseBody(response: unknown): Body {
  const said = decoded(field(response, 'content'))
  return said === '' || said === LEFT_OUT ? undefined : said
}

function decoded(holder: unknown): string | undefined {
  const said = text(field(holder, 'text'))
  const encoding = text(field(holder, 'encoding')) ?? text(field(holder, '_encoding'))
  return said !== undefined && said !== LEFT_OUT && encoding?.toLowerCase() === 'base64'
    ? Buffer.from(said, 'base64').toString()
    : said
}

function formOf(params: unknown): string {
  const form = new URLSearchParams()
  if (Array.isArray(params))
    for (const param of params) form.append(text(field(param, 'name')) ?? '', text(field(param, 'value')) ?? '')
  return form.toString()
}

/** The first of these fields that is in a JSON object or a form, and not `null`. */
export function firstField(body: Body, names: readonly string[]): unknown {
  if (body === undefined) return undefined
  const json = parsed(body)
  const form = json === undefined && /^[^\s{<[]+=/.test(body) ? new URLSearchParams(body) : undefined
  for (const name of names) {
    const found = form?.get(name) ?? field(json, name)
    if (found !== undefined && found !== null) return found
  }
  return undefined
}
