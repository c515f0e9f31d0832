import { checkBoolean, checkKeys, checkNumber, checkOneOf, invalid } from './checks.ts'
import type { Endpoint } from './log.ts'
import { checkModes, type SandboxModes } from './modes.ts'

/** Which requests a fault is for: one endpoint, the three token endpoints, or all. */
export type FaultEndpoint = Endpoint | 'token' | 'any'

/** How a 200 is spoilt; see {@link CallFault.garble}. */
export type Garble = 'truncated' | 'text' | 'html' | 'empty' | 'cut'

/**
 * What happens to the next requests of an endpoint. At most one of `status`, `drop`, `garble`, `omit` and `hang`;
 * delays go with each of them or alone. All of it is plain data.
 */
export interface CallFault {
  endpoint: FaultEndpoint
  /** Only requests for this path; a `*` at the end stands for any rest. Default: every path. */
  path?: string
  /** How many requests it befalls; `Infinity` for all. Default 1. */
  times?: number
  /** How many matching requests pass before it begins. Default 0. */
  skip?: number
  /** Milliseconds the request takes to arrive, on the sandbox's clock. */
  latencyMs?: number
  /** Milliseconds the reply takes to come back; the server has acted by then. */
  replyLatencyMs?: number
  /** Answer with this status, 200–599. The server does not act, unless `acts`. */
  status?: number
  /** Body with `status`: a string goes out as it is, anything else as JSON. Default: what the server family says. */
  body?: unknown
  /** Headers with `status`. */
  headers?: Record<string, string>
  /** With `status`: the server acts first, and this answer takes the place of its own. Default false. */
  acts?: boolean
  /** The connection breaks before the server acts, or after: then a rotation has happened and its reply is lost. */
  drop?: 'before' | 'after'
  /** No answer until the caller aborts; the server has acted only with `after`. */
  hang?: 'before' | 'after'
  /**
   * The server acts and its answer arrives spoilt: half of the JSON (`truncated`), plain text, a page of a proxy
   * (`html`), nothing (`empty`), or the connection breaks in the middle of the body (`cut`).
   */
  garble?: Garble
  /** Fields the answer lacks, by their reference names: `access`, `refresh_expiry_seconds` … */
  omit?: readonly string[]
}

/** Modes of the server, as data. */
export interface ServerFault extends Partial<SandboxModes> {
  endpoint: 'server'
}

/** What `fail` takes and `parseFault` gives. */
export type Fault = CallFault | ServerFault

/** The faults that wait for their requests. */
export interface FaultPlan {
  /** Adds a fault after those that are there; returns the function that takes it out. */
  add(fault: CallFault): () => void
  /** The fault of this request, if one is due. A request that one fault takes is not seen by those after it. */
  take(endpoint: Endpoint, path: string): CallFault | undefined
  clear(): void
}

/** Creates an empty plan. */
export function createFaultPlan(): FaultPlan {
  const entries = new Set<{ fault: CallFault; skip: number; left: number }>()
  return {
    add(fault) {
      const entry = { fault, skip: fault.skip ?? 0, left: fault.times ?? 1 }
      entries.add(entry)
      return () => void entries.delete(entry)
    },
    take(endpoint, path) {
      for (const entry of entries) {
        if (!concerns(entry.fault, endpoint, path)) continue
        if (entry.skip > 0) {
          entry.skip--
          continue
        }
        if (--entry.left <= 0) entries.delete(entry)
        return entry.fault
      }
      return undefined
    },
    clear: () => entries.clear(),
  }
}

function concerns(fault: CallFault, endpoint: Endpoint, path: string): boolean {
  const { endpoint: target, path: pattern = '*' } = fault
  if (target !== 'any' && target !== endpoint && !(target === 'token' && endpoint !== 'api')) return false
  return pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern
}

/** The endpoints a {@link CallFault} can be for. */
export const FAULT_ENDPOINTS = ['create', 'refresh', 'validate', 'api', 'token', 'any'] as const
/** The keys of a {@link CallFault} but `endpoint`. */
export const FAULT_KEYS = [
  ...['path', 'times', 'skip', 'latencyMs', 'replyLatencyMs'],
  ...['status', 'body', 'headers', 'acts', 'drop', 'hang', 'garble', 'omit'],
] as const
const MOMENTS = ['before', 'after'] as const
const GARBLES = ['truncated', 'text', 'html', 'empty', 'cut'] as const
const EFFECTS = ['status', 'drop', 'hang', 'garble', 'omit'] as const

/** Throws when a fault is not one, and says what is allowed. */
export function checkFault(fault: Fault): Fault {
  if (fault.endpoint === 'server') {
    const { endpoint, ...modes } = fault
    return { endpoint, ...checkModes(modes) }
  }
  checkOneOf('endpoint of a fault', fault.endpoint, [...FAULT_ENDPOINTS, 'server'])
  checkKeys('property of a fault', fault, ['endpoint', ...FAULT_KEYS])
  if (fault.times !== undefined) checkNumber('times', fault.times, { min: 1, integer: true, unbounded: true })
  if (fault.skip !== undefined) checkNumber('skip', fault.skip, { integer: true })
  if (fault.latencyMs !== undefined) checkNumber('latencyMs', fault.latencyMs)
  if (fault.replyLatencyMs !== undefined) checkNumber('replyLatencyMs', fault.replyLatencyMs)
  if (fault.status !== undefined) checkNumber('status', fault.status, { min: 200, max: 599, integer: true })
  if (fault.acts !== undefined) checkBoolean('acts', fault.acts)
  if (fault.drop !== undefined) checkOneOf('drop', fault.drop, MOMENTS)
  if (fault.hang !== undefined) checkOneOf('hang', fault.hang, MOMENTS)
  if (fault.garble !== undefined) checkOneOf('garble', fault.garble, GARBLES)
  const effects = EFFECTS.filter((effect) => fault[effect] !== undefined)
  if (effects.length > 1)
    throw invalid(`a fault has one of ${EFFECTS.join(', ')}; this one has ${effects.join(' and ')}`)
  if (effects.length === 0 && fault.latencyMs === undefined && fault.replyLatencyMs === undefined)
    throw invalid(`a fault needs one of ${EFFECTS.join(', ')}, latencyMs, replyLatencyMs`)
  for (const key of ['body', 'headers', 'acts'] as const)
    if (fault[key] !== undefined && fault.status === undefined) throw invalid(`"${key}" goes with "status" only`)
  return fault
}

/** A fault in a few words, for the log: `status=502`, `latency=5000ms drop=after`. */
export function describeFault(fault: CallFault): string {
  const words: string[] = []
  if (fault.latencyMs !== undefined) words.push(`latency=${fault.latencyMs}ms`)
  if (fault.replyLatencyMs !== undefined) words.push(`reply-latency=${fault.replyLatencyMs}ms`)
  if (fault.status !== undefined) words.push(`status=${fault.status}${fault.acts ? ' acts' : ''}`)
  if (fault.drop !== undefined) words.push(`drop=${fault.drop}`)
  if (fault.hang !== undefined) words.push(`hang=${fault.hang}`)
  if (fault.garble !== undefined) words.push(`garble=${fault.garble}`)
  if (fault.omit !== undefined) words.push(`omit=${fault.omit.join('+')}`)
  return words.join(' ')
}
