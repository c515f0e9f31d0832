import { describe } from 'vitest'
import { fleets } from './fleets.ts'
import { filePlace } from './places.ts'

describe('processes on one file', () => fleets(filePlace))
