/** Chance from one seed: the same numbers for the same seed and name, whatever else is drawn. */
export interface Random {
  /** Uniform in [0, 1). */
  (): number
  /** A whole number from 0 to `n - 1`. */
  below(n: number): number
  between(low: number, high: number): number
  /** As `between`, but as often between 1 and 10 as between 10 and 100. Whole. */
  spread(low: number, high: number): number
  chance(probability: number): boolean
  pick<T>(list: readonly T[]): T
  /** Exponential: the time until something that happens every `mean` on average. Whole, at least 1. */
  wait(mean: number): number
  /** A stream of its own. */
  fork(name: string): Random
}

/** sfc32, seeded by the text. */
export function createRandom(seed: string): Random {
  const draw = sfc32(seed)
  const random = (() => draw() / 4_294_967_296) as Random
  random.below = (n) => Math.floor(random() * n)
  random.between = (low, high) => low + random() * (high - low)
  random.spread = (low, high) => Math.round(low * (high / low) ** random())
  random.chance = (probability) => random() < probability
  random.pick = (list) => list[random.below(list.length)] as never
  random.wait = (mean) => Math.max(1, Math.round(-Math.log(1 - random()) * mean))
  random.fork = (name) => createRandom(`${seed}/${name}`)
  return random
}

function sfc32(seed: string): () => number {
  let hash = 1_779_033_703 ^ seed.length
  const word = () => {
    hash = Math.imul(hash ^ (hash >>> 16), 2_246_822_507)
    hash = Math.imul(hash ^ (hash >>> 13), 3_266_489_909)
    hash ^= hash >>> 16
    return hash | 0
  }
  for (let at = 0; at < seed.length; at++) {
    hash = Math.imul(hash ^ seed.charCodeAt(at), 3_432_918_353)
    hash = (hash << 13) | (hash >>> 19)
  }
  let [a, b, c, counter] = [word(), word(), word(), 1]
  const next = () => {
    const sum = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    return sum >>> 0
  }
  for (let warm = 0; warm < 12; warm++) next()
  return next
}
