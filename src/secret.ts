const REDACTED = '[secret]'

/**
 * A string that nothing prints: `String()`, `JSON.stringify`, `util.inspect` (with `showHidden` too) and
 * template literals show `[secret]`. Only {@link Secret.reveal} gives the value, so every place that
 * handles it can be found by that name.
 *
 * @see clause `store-securely`
 */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  /** The value itself. Call it where the value goes on the wire or into a store, nowhere else. */
  reveal(): string {
    return this.#value
  }

  toString(): string {
    return REDACTED
  }

  toJSON(): string {
    return REDACTED
  }
}
