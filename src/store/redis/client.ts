/** Keys and arguments of a script. */
export interface ScriptOptions {
  keys: string[]
  arguments: string[]
}

/** The two commands that the store is made of. */
export interface ScriptCommands {
  evalSha(sha1: string, options: ScriptOptions): Promise<unknown>
  eval(script: string, options: ScriptOptions): Promise<unknown>
}

/** What both kinds of connection of the store have. */
interface Connection {
  readonly isOpen: boolean
  readonly isReady: boolean
  connect(): Promise<unknown>
  destroy(): unknown
  // biome-ignore lint/suspicious/noExplicitAny: an emitter gives its listeners anything
  on(event: string | symbol, listener: (...args: any[]) => void): unknown
}

/** The connection that listens. */
export interface RedisSubscriber extends Connection {
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>
  unsubscribe(channel: string): Promise<unknown>
}

/**
 * As much of the official `redis` client as the store uses: what `createClient` and `createCluster` give, whatever their
 * modules, scripts and protocol version.
 */
export interface RedisClient extends Connection {
  // biome-ignore lint/suspicious/noExplicitAny: as above
  off(event: string | symbol, listener: (...args: any[]) => void): unknown
  duplicate(): RedisSubscriber
  // biome-ignore lint/complexity/noBannedTypes: an empty mapping, which is how replies come as they are
  withCommandOptions(options: { abortSignal: AbortSignal; typeMapping: {} }): ScriptCommands
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
const field = (value: unknown, name: string) => (isObject(value) ? value[name] : undefined)

/** Where a client leads, in the words of messages: `Redis at 127.0.0.1:6379/0`, never a user or a password. */
export function addressOf(client: RedisClient): string {
  const masters = field(client, 'masters')
  if (Array.isArray(masters)) {
    const addresses = masters.map((master) => String(field(master, 'address')))
    return `the Redis cluster${addresses.length === 0 ? '' : ` at ${addresses.join(', ')}`}`
  }
  const options = field(client, 'options')
  const socket = field(options, 'socket')
  const database = String(field(options, 'database') ?? 0)
  const path = field(socket, 'path')
  if (typeof path === 'string') return `Redis at ${path}, database ${database}`
  const host = String(field(socket, 'host') ?? 'localhost')
  return `Redis at ${host.includes(':') ? `[${host}]` : host}:${field(socket, 'port') ?? 6379}/${database}`
}
