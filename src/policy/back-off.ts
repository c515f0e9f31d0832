import type { Policy } from './schema.ts'

/** The draw lengthens a back-off by up to this share, and never shortens it. `D-back-off` */
const SPREAD = 0.5

/**
 * How long to back off, ms: `backOffMinMs` (30 s) doubling with each step up to `backOffMaxMs` (10 min), times 1.0–1.5 drawn.
 *
 * @param step how many back-offs came just before this one; 0 for the first
 * @param random01 uniform in [0, 1)
 * @see decision `D-back-off`
 */
export function backOffMs(
  step: number,
  random01: number,
  policy: Pick<Policy, 'backOffMinMs' | 'backOffMaxMs'>,
): number {
  const plainMs = Math.min(policy.backOffMaxMs, policy.backOffMinMs * 2 ** Math.max(0, step))
  return Math.ceil(plainMs * (1 + SPREAD * random01))
}
