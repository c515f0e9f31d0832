import { describe } from 'vitest'
import { kills } from './kills.ts'
import { filePlace } from './places.ts'

describe('processes killed on one file', () => kills(filePlace))
