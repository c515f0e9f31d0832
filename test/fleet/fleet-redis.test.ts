import { describeWithRedis } from '../store/redis/server.ts'
import { fleets } from './fleets.ts'
import { redisPlace } from './places.ts'

describeWithRedis('processes on one Redis', () => fleets(redisPlace))
