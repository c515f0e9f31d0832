import { describeWithRedis } from '../store/redis/server.ts'
import { kills } from './kills.ts'
import { redisPlace } from './places.ts'

describeWithRedis('processes killed on one Redis', () => kills(redisPlace))
