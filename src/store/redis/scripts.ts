import { createHash } from 'node:crypto'
import type { ScriptCommands, ScriptOptions } from './client.ts'

/**
 * What the store does in Redis. Each script has one key, a hash of one account:
 *
 * | field | holds |
 * |---|---|
 * | `layout` | 1: the hash is ours, and these are its fields |
 * | `version`, `record` | the record as text; neither where nothing is stored yet |
 * | `leaseHolder`, `leaseStartMs`, `leaseLengthMs` | who has the lease; none where nobody has |
 *
 * Every time is the server's. Whatever is not ours is left as it is.
 */
export interface Script {
  readonly text: string
  readonly sha1: string
}

const script = (body: string): Script => {
  const text = `${OPENING}${body}`
  return { text, sha1: createHash('sha1').update(text).digest('hex') }
}

/** Begins each script: what is kept under the key, or the error that it is not ours. */
const OPENING = `
local key = KEYS[1]
local kept = redis.call('HMGET', key, 'layout', 'version', 'record')
local layout, version, record = kept[1], kept[2], kept[3]
if layout and layout ~= '1' then
  return redis.error_reply(string.match(layout, '^%d+$') and 'NEWERLAYOUT it is of a later one' or 'FOREIGN it is not ours')
end
if not layout and redis.call('EXISTS', key) == 1 then return redis.error_reply('FOREIGN it is not ours') end
if not version ~= not record or (version and not string.match(version, '^%d+$')) then
  return redis.error_reply('FOREIGN it is damaged')
end
local function nowMs()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
`

/** → time of the server, ms; text of the record or nothing. */
export const READ = script(`return { nowMs(), record }`)

/**
 * Expected version, new version, text, time to live (ms), channel → 1 stored, 0 not. Who may not publish may store all the
 * same: whoever listens reads before a send anyway.
 */
export const COMPARE_AND_SET = script(`
if (version or '0') ~= ARGV[1] then return 0 end
redis.call('HSET', key, 'layout', '1', 'version', ARGV[2], 'record', ARGV[3])
redis.call('PEXPIRE', key, ARGV[4])
redis.pcall('PUBLISH', ARGV[5], ARGV[2])
return 1
`)

/**
 * Holder, length (ms), time to live (ms) → 0 granted, or the ms until it is free. A lease that begins in the future was
 * given by a server whose clock was ahead: it begins now. `D-skew`
 */
export const LEASE = script(`
local now = nowMs()
local lease = redis.call('HMGET', key, 'leaseHolder', 'leaseStartMs', 'leaseLengthMs')
if lease[1] and lease[1] ~= ARGV[1] then
  local startMs, lengthMs = tonumber(lease[2]) or 0, tonumber(lease[3]) or 0
  if startMs > now then
    startMs = now
    redis.call('HSET', key, 'leaseStartMs', string.format('%.0f', now))
  end
  if startMs + lengthMs > now then return startMs + lengthMs - now end
end
redis.call('HSET', key, 'layout', '1', 'leaseHolder', ARGV[1])
redis.call('HSET', key, 'leaseStartMs', string.format('%.0f', now), 'leaseLengthMs', ARGV[2])
redis.call('PEXPIRE', key, ARGV[3])
return 0
`)

/** Holder → 0. */
export const RELEASE = script(`
if redis.call('HGET', key, 'leaseHolder') == ARGV[1] then
  redis.call('HDEL', key, 'leaseHolder', 'leaseStartMs', 'leaseLengthMs')
end
return 0
`)

/** Runs a script by its hash, and by its text where the server does not know it (yet, or any more). */
export async function runScript(commands: ScriptCommands, { text, sha1 }: Script, options: ScriptOptions) {
  try {
    return await commands.evalSha(sha1, options)
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
    return commands.eval(text, options)
  }
}
