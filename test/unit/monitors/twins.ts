import { BORDER_TWINS } from './border-twins.ts'
import { CALLER_TWINS } from './caller-twins.ts'
import { CLAUSE_TWINS } from './clause-twins.ts'
import { FAILURE_TWINS } from './failure-twins.ts'
import { PACE_TWINS } from './pace-twins.ts'
import { TOKEN_TWINS } from './token-twins.ts'
import type { Twins } from './traces.ts'
import { TRAFFIC_TWINS } from './traffic-twins.ts'

/** Each rule of each monitor, kept narrowly and broken narrowly. */
export const TWINS: readonly Twins[] = [
  ...TRAFFIC_TWINS,
  ...CLAUSE_TWINS,
  ...BORDER_TWINS,
  ...TOKEN_TWINS,
  ...FAILURE_TWINS,
  ...PACE_TWINS,
  ...CALLER_TWINS,
]
