import { visibleLine } from './words.ts'

/** Text that is HTML already. Only {@link html} makes it, so nothing else gets onto a page without being escaped. */
export class Markup {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  toString(): string {
    return this.#text
  }
}

/** What may stand in a template: nothing at all, text to be escaped, markup, or several of them. */
export type Part = undefined | false | string | number | Markup | readonly Part[]

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Markup of a template; whatever is put in is escaped, in text and in quoted attributes alike. */
export const html = (literals: TemplateStringsArray, ...parts: readonly Part[]): Markup =>
  new Markup(literals.map((literal, at) => `${literal}${textOf(parts[at])}`).join(''))

function textOf(part: Part): string {
  if (part === undefined || part === false) return ''
  if (part instanceof Markup) return part.toString()
  if (typeof part === 'object') return part.map(textOf).join('')
  return visibleLine(String(part)).replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '')
}
