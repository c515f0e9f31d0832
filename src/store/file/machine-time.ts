import { readFileSync } from 'node:fs'
import { uptime } from 'node:os'
import { systemClock } from '../../clock.ts'

/** The clocks of the machine, the same for all its processes. Injected. */
export interface Machine {
  /** Wall-clock time, ms since the epoch. */
  wallMs(): number
  /** Time since the machine started, ms and finer. May leave out suspend. */
  tickMs(): number
  /** Time since the machine started, suspend counted, ms. May be coarse: hundredths of a second on Linux. */
  uptimeMs(): number
  /** Names this boot: an id, or else the moment of the boot, ms since the epoch, in digits. */
  boot(): string
}

/** How the store's time follows from the machine's clocks, in whole ms; kept in the file. */
export interface StoreTime {
  readonly boot: string
  /** By how much the store's time is ahead of the tick, ms. */
  readonly aheadMs: number
  /** How long the machine slept since it started, ms, as far as that is counted in `aheadMs`. */
  readonly sleptMs: number
  /** The store's time at the last write. */
  readonly latestMs: number
}

/** Tick and uptime may differ by this much, ms, without a suspend: no platform's uptime is coarser. */
const COARSE_MS = 1_000
/** Stands for how long the machine slept, where it does not tell. */
const UNTOLD_MS = -1
/** A boot without an id is the same one when it seems to have been within this, ms. */
const SAME_BOOT_MS = 60_000

/** The store's time, whole ms. It does not hear of the wall clock. `D-skew` */
export const storeMs = ({ aheadMs }: StoreTime, machine: Machine): number => Math.floor(aheadMs + machine.tickMs())

/**
 * What the time that is kept has to become: itself, but for a boot or a suspend since. A boot begins at the wall clock, or
 * at the last write where the wall clock is behind that. `D-skew`
 */
export function broughtUp(kept: StoreTime | undefined, machine: Machine): StoreTime {
  // In some containers the uptime is the container's, the tick the machine's.
  // In a container whose uptime is its own, nobody tells; and what is told elsewhere later is no suspend since.
  const toldMs = Math.floor(machine.uptimeMs() - machine.tickMs())
  const sleptMs = toldMs < -COARSE_MS ? UNTOLD_MS : Math.max(0, toldMs)
  const boot = machine.boot()
  if (kept === undefined || !sameBoot(kept.boot, boot)) {
    const latestMs = kept?.latestMs ?? 0
    return { boot, aheadMs: Math.ceil(Math.max(machine.wallMs(), latestMs) - machine.tickMs()), sleptMs, latestMs }
  }
  if (sleptMs === UNTOLD_MS || kept.sleptMs === UNTOLD_MS) return kept
  const slippedMs = sleptMs - kept.sleptMs
  return slippedMs > COARSE_MS ? { ...kept, aheadMs: kept.aheadMs + slippedMs, sleptMs } : kept
}

function sameBoot(one: string, other: string): boolean {
  if (one === other) return true
  const digits = /^\d+$/
  return digits.test(one) && digits.test(other) && Math.abs(Number(one) - Number(other)) < SAME_BOOT_MS
}

const BOOT_ID = '/proc/sys/kernel/random/boot_id'

/**
 * The machine that runs this. Only Linux names its boots; elsewhere the moment of the boot stands for it, which is weaker:
 * a wall clock that is set by a minute and more looks like another boot there.
 */
export function systemMachine(): Machine {
  const clock = systemClock()
  const tickMs = () => Number(process.hrtime.bigint()) / 1e6
  const uptimeMs = () => uptime() * 1_000
  const id = bootId()
  return {
    wallMs: clock.now,
    tickMs,
    uptimeMs,
    boot: () => id ?? String(Math.max(0, Math.round(clock.now() - uptimeMs()))),
  }
}

function bootId(): string | undefined {
  try {
    return readFileSync(BOOT_ID, 'utf8').trim() || undefined
  } catch {
    return undefined
  }
}
