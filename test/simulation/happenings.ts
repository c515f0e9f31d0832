import type { SandboxModes } from '../../src/sandbox/index.ts'
import type { Callers } from './callers.ts'
import { drawFault } from './faults.ts'
import { API_REQUESTS_PER_DAY, COMMAND_MS, PASSWORD, USERNAME } from './limits.ts'
import type { Source } from './options.ts'
import { probing } from './probe.ts'
import type { Process } from './process.ts'
import type { Processes } from './processes.ts'
import type { Random } from './random.ts'
import type { Setting } from './setting.ts'
import { DAY, HOUR, MINUTE, SECOND } from './units.ts'

/** What happens, each by its own dice. */
export function letHappen(setting: Setting, processes: Processes, callers: Callers) {
  const { root, clock, flavour, rarity, machines, usual, sandbox, state, on, judge, trace } = setting
  const { note, count } = trace
  const { start, kill, revive, suspend, running } = processes
  const { expectEnd, operator, callApi, callToken, force, validate, mend } = callers

  const every = (source: Source | 'traffic' | 'operator', meanMs: number, act: (random: Random) => void) => {
    const random = root.fork(`source ${source}`)
    const always = source === 'traffic' || source === 'operator'
    const next = () =>
      void clock.setTimeout(
        () => {
          if (state.closing) return
          if (always || on(source)) act(random)
          next()
        },
        random.wait(meanMs * (always ? 1 : rarity)),
      )
    next()
  }
  const someone = (random: Random): Process | undefined => {
    const all = running()
    return all[Math.floor(random() * all.length)]
  }
  const withSomeone = (act: (process: Process, random: Random) => void) => (random: Random) => {
    const process = someone(random)
    if (process !== undefined) act(process, random)
  }

  every('traffic', DAY / API_REQUESTS_PER_DAY, (random) => {
    state.owed++
    if (state.owed > 0) withSomeone(callApi)(random)
  })
  every('bursts', 8 * HOUR, (random) => {
    if (random.chance(0.15)) {
      // More than the budget allows, across the edge of a minute.
      for (let at = 0; at < 16; at++)
        clock.setTimeout(
          () => {
            if (on('bursts')) withSomeone(random.chance(0.7) ? validate : force)(random)
          },
          random.below(80 * SECOND),
        )
      return
    }
    for (let calls = 2 + random.below(6); calls > 0; calls--) withSomeone(callApi)(random)
  })
  every('tokens', 2 * HOUR, withSomeone(callToken))
  every('forced', 12 * HOUR, withSomeone(force))
  every('validates', 12 * HOUR, withSomeone(validate))
  every('faults', 4 * HOUR, (random) => {
    const fault = drawFault(random)
    note('network', `plans ${JSON.stringify(fault)}`)
    sandbox.fail(fault)
  })
  every('storms', 3 * DAY, (random) => {
    const { skip: _, ...fault } = drawFault(random)
    const lift = sandbox.fail({ ...fault, times: Number.POSITIVE_INFINITY })
    const forMs = random.spread(MINUTE, 5 * HOUR)
    note('network', `storm of ${JSON.stringify(fault)} for ${forMs}`)
    count('happened', 'storms')
    clock.setTimeout(lift, forMs)
  })
  every('server', 2 * DAY, (random) => {
    const what = random.pick([
      'revoke access',
      'revoke',
      'rekey',
      'inactive',
      'latency',
      '403',
      'race',
      'slow',
      'lag',
    ] as const)
    note('server', what)
    count('happened', `server ${what}`)
    const forAWhile = (modes: Partial<SandboxModes>, back: Partial<SandboxModes>) => {
      sandbox.set(modes)
      clock.setTimeout(() => sandbox.set(back), random.spread(MINUTE, 6 * HOUR))
    }
    switch (what) {
      case 'revoke access':
        return sandbox.revokeAll('access')
      case 'revoke':
        return sandbox.revokeAll()
      case 'rekey':
        return sandbox.changeSigningKey()
      case 'inactive':
        sandbox.setActive(USERNAME, false)
        return void clock.setTimeout(() => sandbox.setActive(USERNAME, true), random.spread(MINUTE, 2 * HOUR))
      case 'latency':
        return forAWhile({ latencyMs: random.below(3000), replyLatencyMs: random.below(3000) }, usual)
      case 'slow':
        return forAWhile({ replyLatencyMs: 20_000 + random.below(20_000) }, usual)
      case '403':
        return forAWhile({ forbidden403: true }, { forbidden403: false })
      case 'lag':
        state.lagMs = random.spread(5 * SECOND, 50 * SECOND)
        return void clock.setTimeout(
          () => {
            state.lagMs = 0
          },
          random.spread(HOUR, 12 * HOUR),
        )
      case 'race':
        return forAWhile({ rotationRaceMs: random.below(2000) }, { rotationRaceMs: 0 })
      default:
        return what satisfies never
    }
  })
  every('passwords', 5 * DAY, () => {
    state.password = `${PASSWORD}${++state.passwords}`
    note('server', `the password is now ${state.passwords}`)
    count('happened', 'passwords')
    sandbox.setPassword(USERNAME, state.password)
  })
  every('jumps', DAY, (random) => {
    const machine = random.pick(machines)
    const ms = random.spread(SECOND, 2 * DAY) * (random.chance(0.5) ? 1 : -1)
    note(machine.name, `the wall clock jumps by ${ms}`)
    count('happened', ms > 0 ? 'jumps forwards' : 'jumps back')
    machine.jump(ms, random.chance(0.5) ? 0 : random.below(30 * SECOND))
  })
  every('suspends', 1.5 * DAY, (random) => suspend(random.pick(machines), random.spread(2 * SECOND, 40 * HOUR)))
  if (flavour !== 'faulty')
    every(
      'kills',
      DAY,
      withSomeone((process, random) => {
        kill(process)
        revive(process.slot, random.spread(1, 10 * MINUTE))
      }),
    )
  every(
    'restarts',
    2 * DAY,
    withSomeone((process, random) => {
      if (state.storeDown) return
      note(process.name, 'closes')
      count('happened', 'closes')
      process.slot.process = undefined
      const atOnce = random.chance(0.5)
      const gone = () => {
        note(process.name, 'is closed')
        process.alive = false
        process.clock.end()
        judge.died(process)
        if (!atOnce) revive(process.slot, random.spread(1, MINUTE))
      }
      expectEnd(process, 'close', 90 * SECOND, process.auth.close(), gone)
      if (atOnce) start(process.slot)
    }),
  )
  every(
    'signOuts',
    5 * DAY,
    withSomeone((process) => {
      operator(process, 'signOut')
      expectEnd(process, 'signOut', COMMAND_MS, process.auth.signOut())
    }),
  )
  every('operator', 30 * MINUTE, (random) => {
    const process = someone(random)
    if (process === undefined || state.calm) return
    const resting = process.auth.status().state
    const wrong = process.slot.password !== state.password
    const latched = ['failed.invalidCredentials', 'failed.rejected', 'failed.refreshUnauthorized', 'signedOut']
    if (latched.includes(resting) || (wrong && random.chance(0.3))) mend(process)
  })
  if (flavour === 'faulty')
    every('outages', 12 * HOUR, (random) => {
      const forMs = random.spread(100, 2 * HOUR)
      note('store', `is down for ${forMs}`)
      count('happened', 'store outages')
      state.storeDown = true
      clock.setTimeout(() => {
        state.storeDown = false
      }, forMs)
    })
  every('probes', 2 * DAY, withSomeone(probing(setting, processes, callers)))
}
