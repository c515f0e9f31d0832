/** A mutant of the code that no test has to notice, and why. */
export interface CodeSurvivor {
  /** Folder under `src/`. */
  readonly scope: string
  readonly file: string
  /** The line it begins in. */
  readonly in: string
  readonly from: string
  readonly to: string
  readonly reason: string
}

export const CODE_SURVIVORS: readonly CodeSurvivor[] = []
