import { badRequest, type Reply } from './replies.ts'

/** A request's JSON object, or the reply that refuses it. */
export type ParsedBody = { fields: Record<string, unknown>; refusal?: never } | { fields?: never; refusal: Reply }

/** Reads a JSON object as DRF does: no body is an empty object. */
export function parseBody(text: string, contentType: string | null): ParsedBody {
  if (text === '') return { fields: {} }
  const mediaType = contentType?.split(';')[0]?.trim().toLowerCase() ?? ''
  if (mediaType !== 'application/json')
    return { refusal: { status: 415, body: { detail: `Unsupported media type "${mediaType}" in request.` } } }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The parser's own message would quote the body, and with it a password.
    return { refusal: badRequest({ detail: 'JSON parse error - Expecting value' }) }
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return { fields: value as Record<string, unknown> }
  const kind = Array.isArray(value) ? 'list' : value === null ? 'null' : typeof value
  return { refusal: badRequest({ non_field_errors: [`Invalid data. Expected a dictionary, but got ${kind}.`] }) }
}

/** A text field as DRF reads it: trimmed, numbers accepted; `undefined` when it is not one. */
export function textField(fields: Record<string, unknown> | undefined, name: string): string | undefined {
  const value = fields?.[name]
  if (typeof value !== 'string' && typeof value !== 'number') return undefined
  return String(value).trim() || undefined
}

/** The 400 for required text fields that are missing, null, blank or no text; `undefined` when all are there. */
export function fieldErrors(fields: Record<string, unknown>, names: readonly string[]): Reply | undefined {
  const errors: Record<string, string[]> = {}
  for (const name of names) {
    if (textField(fields, name) !== undefined) continue
    const value = fields[name]
    if (value === undefined) errors[name] = ['This field is required.']
    else if (value === null) errors[name] = ['This field may not be null.']
    else if (typeof value === 'string') errors[name] = ['This field may not be blank.']
    else errors[name] = ['Not a valid string.']
  }
  return Object.keys(errors).length > 0 ? badRequest(errors) : undefined
}
