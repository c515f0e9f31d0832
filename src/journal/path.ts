/**
 * Paths as they may be told. Some of them hold a secret: a token as a segment, a session behind a semicolon. Everything that
 * writes or reads paths of requests passes them through here.
 */

/** What stands for a segment that may be a secret. */
const HIDDEN = '{…}'
/** A longer path is cut, characters. */
const LONGEST_PATH = 2_000
/** A path without any of this is told as it is; nearly all are. */
const SUSPECT = /[;?#%]|eyJ|[^/]{32}/
/** Where the name of a segment ends: at its parameters, and at a query, be they escaped or not, once or more often. */
const NAME_END = /;|%(?:25)*(?:3b|3f|23)/i
/** `{"` in Base64: so begins every JWT. */
const JWT = /(?:^|[^A-Za-z0-9])eyJ[\w-]{5}/
/** So many characters are drawn, or they are words. */
const LONG = 32
/** Words, capitals and numbers as people write them, of any script. */
const WORD = /^(?:\p{Lu}?\p{Ll}{1,20}|\p{Lu}{1,20}|\p{Lo}{1,20}|\d{1,8})$/u

/**
 * The path of a URL without query and parameters. In place of a segment that is a JWT, or has 32 characters or more and is
 * not made of words, there is `{…}`: `/api/v2/x/{…}/`. At most 2000 characters.
 */
export function shownPath(path: string): string {
  if (path.length <= LONGEST_PATH && !SUSPECT.test(path)) return path
  const end = path.search(/[?#]/)
  const told = end < 0 ? path : path.slice(0, end)
  // Cut at the end alone: the beginning of a secret would not look like one.
  return told.split('/').map(shownSegment).join('/').slice(0, LONGEST_PATH)
}

function shownSegment(segment: string): string {
  const end = segment.search(NAME_END)
  const name = end < 0 ? segment : segment.slice(0, end)
  return looksSecret(decoded(name)) ? HIDDEN : name
}

/** It is a JWT, or drawn at random by its looks. */
export const looksSecret = (text: string): boolean =>
  JWT.test(text) ||
  (text.length >= LONG && !text.split(/[^\p{L}\p{N}]+/u).every((piece) => piece === '' || WORD.test(piece)))

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
