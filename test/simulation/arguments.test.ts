import { describe, expect, it } from 'vitest'
import { HELP, parseArguments, UsageError } from './arguments.ts'

describe('the arguments of the simulation', () => {
  it('ask for a year of seed 1 by default', () => {
    expect(parseArguments([])).toMatchObject({ mode: 'years', days: 365, seed: 1, clients: undefined })
  })

  it('take years or days', () => {
    expect(parseArguments(['--years', '10', '--seed', '7'])).toMatchObject({ days: 3650, seed: 7 })
    expect(parseArguments(['--days', '2.5'])).toMatchObject({ days: 2.5 })
    expect(() => parseArguments(['--days', '2', '--years', '1'])).toThrow('give one of them')
  })

  it.each([
    ['--years', '--years', 'many'],
    ['--seed', '--seed', '1.5'],
    ['--seed', '--seed='],
    ['--threads', '--threads', '0'],
    ['--sends', '--fuzz', '--sends', '-1'],
    ['--sends', '--fuzz', '--sends=-1'],
    ['--days', '--days', '0'],
  ])('refuse a wrong %s, and name it', (name, ...args) => {
    const wrong = () => parseArguments(args)
    expect(wrong).toThrow(UsageError)
    expect(wrong).toThrow(name)
  })

  it('refuse what they do not know, and what does not go together', () => {
    expect(() => parseArguments(['--yaers', '1'])).toThrow('--yaers')
    expect(() => parseArguments(['--explore', '--years', '1'])).toThrow('--years does not go with --explore')
    expect(() => parseArguments(['--sends', '5'])).toThrow('--sends does not go with a simulation of years')
  })

  it('name the other modes', () => {
    expect(parseArguments(['--explore', '--limit', '9'])).toEqual({ mode: 'explore', limit: 9 })
    expect(parseArguments(['--fuzz', '--seed', '3'])).toEqual({ mode: 'fuzz', seed: 3, sends: 100_000 })
    expect(parseArguments(['--crash', '--kills', '7'])).toEqual({ mode: 'crash', seed: 1, kills: 7 })
    expect(parseArguments(['--fleet'])).toEqual({ mode: 'fleet', processes: 8, seconds: 120 })
    expect(parseArguments(['--replay', 'a.json'])).toEqual({ mode: 'replay', file: 'a.json' })
    expect(parseArguments(['--help'])).toEqual({ mode: 'help' })
    expect(HELP).toContain('--replay FILE')
  })
})
