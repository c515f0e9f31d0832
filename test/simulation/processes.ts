import { createAuthClient } from '../../src/index.ts'
import { BASE_URL, COMMAND_MS, credentialsIdOf, LEASE_LEFT_MS, PASSWORD, USERNAME } from './limits.ts'
import type { Machine } from './machine.ts'
import type { createOutputs } from './outputs.ts'
import type { Process, Slot } from './process.ts'
import type { Setting } from './setting.ts'
import { createStores } from './stores.ts'
import { createTransport } from './transport.ts'
import { HOUR, MINUTE, SECOND } from './units.ts'

export type Processes = ReturnType<typeof createProcesses>

/** The clients in their processes: how they start, and what happens to them. */
export function createProcesses(setting: Setting, { onEvent }: Pick<ReturnType<typeof createOutputs>, 'onEvent'>) {
  const { options, root, clock, shape, flavour, slotCount, machines, proactive, refreshUnauthorized } = setting
  const { state, on, judge, trace } = setting
  const { note, count } = trace
  const { sabotage = {} } = options
  const { fetch: wrapFetch = (fetch) => fetch, store: wrapStore = (store) => store } = sabotage
  const transportOf = createTransport(setting, (process) => mishap(process))
  const storeOf = createStores(setting, (process) => mishap(process))

  const start = (slot: Slot): Process => {
    const { machine } = slot
    const processClock = machine.process()
    const name = `${slot.name}${++slot.starts}`
    const random = root.fork(`process ${name}`)
    const process = {
      name,
      slot,
      clock: processClock,
      random,
      inFlight: new Set(),
      writes: 0,
      alive: true,
      busySinceMs: Number.NEGATIVE_INFINITY,
      apiPausedUntilMs: Number.NEGATIVE_INFINITY,
      newest: 0,
      stoodStill: () => {
        const wokeAtMs = machine.wokeAtMs(LEASE_LEFT_MS)
        return wokeAtMs >= process.busySinceMs - MINUTE && clock.now() - wokeAtMs < 3 * MINUTE
      },
      cannotTell: () => machine.cannotTell(clock.now() - 25 * HOUR),
      hasSlept: () => machine.wokeAtMs() >= clock.now() - HOUR,
      isAhead: () => machine.setOn(clock.now() - 25 * HOUR),
      otherPassword: () => clock.now() - process.otherPasswordAtMs < COMMAND_MS,
      otherPasswordAtMs: Number.NEGATIVE_INFINITY,
      credentialsId: () => credentialsIdOf(USERNAME, slot.password),
    } as unknown as Process
    const credentials = slot.callback
      ? async () => {
          if (on('faults') && random.chance(0.05)) throw new Error(`no vault, ${PASSWORD}`)
          return { username: USERNAME, password: slot.password }
        }
      : { username: USERNAME, password: slot.password }
    process.auth = createAuthClient({
      baseURL: BASE_URL,
      credentials,
      account: USERNAME,
      fetch: wrapFetch(transportOf(process)),
      store: wrapStore(storeOf(process)),
      clock: processClock,
      random: random.fork('client'),
      onEvent: onEvent(process),
      policy: { fingerprintRounds: 1, proactive, refreshUnauthorized, ...sabotage.policy },
    })
    slot.process = process
    note(name, 'starts')
    count('happened', 'starts')
    return process
  }
  const kill = (process: Process) => {
    if (!process.alive) return
    note(process.name, 'is killed')
    count('happened', 'kills')
    process.alive = false
    process.clock.end()
    const inFlight = [...process.inFlight].map(({ request }) => request)
    const died = () => judge.died(process, inFlight)
    if (process.writes === 0) died()
    else process.onWritten = died
    process.inFlight.clear()
    if (process.slot.process === process) process.slot.process = undefined
  }
  const revive = (slot: Slot, afterMs: number) =>
    void clock.setTimeout(() => {
      if (slot.process !== undefined || state.closing) return
      if (slot.machine.suspended()) return revive(slot, MINUTE)
      start(slot)
    }, afterMs)
  const suspend = (machine: Machine, forMs: number) => {
    if (machine.suspended()) return
    note(machine.name, `is suspended for ${forMs}`)
    count('happened', 'suspends')
    machine.suspend()
    if (forMs >= LEASE_LEFT_MS)
      for (const { machine: home, process } of slots) {
        if (home !== machine || process === undefined) continue
        const stale = [...process.inFlight].filter(({ request: { endpoint } }) => /create|refresh/.test(endpoint))
        for (const sent of stale) sent.stale = true
        judge.froze(
          process,
          stale.map(({ request }) => request),
        )
      }
    clock.setTimeout(() => wake(machine), forMs)
  }
  const wake = (machine: Machine) => {
    if (!machine.suspended()) return
    note(machine.name, 'wakes')
    machine.wake()
  }
  /** Something happens at the worst moment. */
  const mishap = (process: Process) => {
    if (!process.alive) return
    if (process.random.chance(0.6) && flavour !== 'faulty') {
      kill(process)
      revive(process.slot, process.random.spread(1, 2 * MINUTE))
    } else if (on('suspends')) suspend(process.slot.machine, process.random.spread(SECOND, HOUR))
  }

  const slots: Slot[] = Array.from({ length: slotCount }, (_, at) => ({
    name: 'abcdef'[at] ?? 'z',
    machine: at === 0 || shape.chance(0.5) ? machines[0] : machines[1],
    callback: shape.chance(0.25),
    password: state.password,
    process: undefined,
    starts: 0,
  }))
  note('world', setting.drawn)
  for (const slot of slots) start(slot)
  const running = () =>
    slots.flatMap(({ process, machine }) => (process !== undefined && !machine.suspended() ? [process] : []))

  return { slots, start, kill, revive, suspend, wake, running }
}
