import { invalid } from './checks.ts'
import { checkFault, FAULT_ENDPOINTS, type Fault } from './faults.ts'
import { DEFAULT_MODES, MODE_NAMES } from './modes.ts'

type Reader = (value: string, key: string) => unknown

const text: Reader = (value) => value
const count: Reader = (value, key) => {
  if (value === 'all') return Number.POSITIVE_INFINITY
  if (!/^\d+$/.test(value)) throw invalid(`"${key}" takes a whole number or "all"`)
  return Number(value)
}
const whole: Reader = (value, key) => {
  if (!/^\d+$/.test(value)) throw invalid(`"${key}" takes a whole number`)
  return Number(value)
}
const flag: Reader = (value, key) => {
  if (value === '' || value === 'on' || value === 'true') return true
  if (value === 'off' || value === 'false') return false
  throw invalid(`"${key}" takes on or off`)
}
const UNIT_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const duration: Reader = (value, key) => {
  const [, amount, unit] = /^(-?\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(value) ?? []
  if (amount === undefined || unit === undefined) throw invalid(`"${key}" takes a time such as 500ms, 5s, 2m, 1h`)
  return Number(amount) * (UNIT_MS[unit] ?? 1)
}
const seconds: Reader = (value, key) => (duration(value, key) as number) / 1000
const list: Reader = (value) => value.split('+')

/** What may follow `ENDPOINT:`; the property of the fault, and how its value reads. */
const CALL_KEYS: Record<string, [property: string, read: Reader]> = {
  path: ['path', text],
  times: ['times', count],
  skip: ['skip', whole],
  latency: ['latencyMs', duration],
  'reply-latency': ['replyLatencyMs', duration],
  status: ['status', whole],
  acts: ['acts', flag],
  'retry-after': ['headers', (value) => ({ 'Retry-After': value })],
  drop: ['drop', text],
  hang: ['hang', text],
  garble: ['garble', text],
  omit: ['omit', list],
  body: ['body', text],
}

/** What may follow `server:`; `access-lifetime` for `accessLifetimeS`, and so on for every mode. */
const MODE_KEYS: Record<string, [property: string, read: Reader]> = Object.fromEntries(
  MODE_NAMES.map((name) => {
    const key = name.replace(/(Ms|S)$/, '').replace(/([A-Z]|\d+)/g, (part) => `-${part.toLowerCase()}`)
    const read = name.endsWith('Ms') ? duration : name.endsWith('S') ? seconds : flag
    return [key, [name, typeof DEFAULT_MODES[name] === 'string' ? text : read]]
  }),
)

/**
 * Reads a fault as the command line takes it: `ENDPOINT:KEY=VALUE,KEY=VALUE`, for example
 * `create:status=502,times=3`, `refresh:drop=after`, `api:latency=5s,times=all` or `server:rotate=off,skew=2m`.
 * `body` comes last and takes the rest of the text. Throws `CONFIG_INVALID`, which names what is allowed.
 */
export function parseFault(spec: string): Fault {
  const [, endpoint, rest] = /^([a-z]+):(.*)$/s.exec(spec) ?? []
  const endpoints: readonly string[] = [...FAULT_ENDPOINTS, 'server']
  if (endpoint === undefined || rest === undefined || !endpoints.includes(endpoint))
    throw invalid(`a fault is ENDPOINT:KEY=VALUE,… and ENDPOINT one of ${endpoints.join(', ')}`)

  const keys = endpoint === 'server' ? MODE_KEYS : CALL_KEYS
  const fault: Record<string, unknown> = { endpoint }
  for (const part of split(rest)) {
    const [key = '', value] = part.split(/=(.*)/s)
    const [property, read] = (Object.hasOwn(keys, key) && keys[key]) || []
    if (property === undefined || read === undefined)
      throw invalid(`unknown key "${key}" of a fault of "${endpoint}"; known: ${Object.keys(keys).join(', ')}`)
    if (value === undefined && read !== flag) throw invalid(`"${key}" of a fault needs a value: ${key}=…`)
    if (Object.hasOwn(fault, property)) throw invalid(`"${key}" appears twice in a fault`)
    fault[property] = read(value ?? '', key)
  }
  return checkFault(fault as unknown as Fault)
}

/** Splits at commas; what follows `body=` stays in one piece. */
function split(rest: string): string[] {
  const at = rest.search(/(^|,)body=/)
  if (at < 0) return rest.split(',')
  const before = rest.slice(0, at)
  return [...(before === '' ? [] : before.split(',')), rest.slice(at).replace(/^,/, '')]
}
