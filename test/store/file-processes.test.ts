import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fileStore } from '../../src/store/file/index.ts'
import { askChild, startChild } from '../support/children.ts'
import { temporaryFolder } from '../support/file-stores.ts'

const ME = 'https://api.example me'
const versionIn = async (path: string) => {
  const store = fileStore({ path })
  const { record } = await store.read(ME)
  await store.close?.()
  return record?.version
}

describe('D-one-at-a-time: processes that share a file', () => {
  it('lose no write to each other, from the making of the file on', async () => {
    const path = join(temporaryFolder(), 'made', 'tokens.db')
    const children = [1, 2, 3].map(() => startChild({ path, what: 'count', times: 15 }))
    expect(await Promise.all(children.map(({ ended }) => ended))).toEqual(['', '', ''])
    const versions = children.flatMap(({ said }) => said.map(({ version }) => version ?? 0))
    expect(versions.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 45 }, (_, index) => index + 1))
    expect(await versionIn(path)).toBe(45)
  })

  it('hold one lease, which outlives its process', async () => {
    const path = join(temporaryFolder(), 'tokens.db')
    const answers = await Promise.all([1, 2].map(() => askChild({ path, what: 'lease' })))
    expect(answers.map((answer) => answer?.granted).toSorted()).toEqual([false, true])
    expect(await askChild({ path, what: 'lease' })).toMatchObject({ granted: false })
  })

  it('find every write that was told of, and a whole file, when one of them is killed', async () => {
    const path = join(temporaryFolder(), 'tokens.db')
    for (const killedAfter of [1, 4, 9]) {
      let heard = 0
      const child = startChild({ path, what: 'count', times: 1_000_000 }, () => {
        if (++heard === killedAfter) child.process.kill('SIGKILL')
      })
      await child.ended
      const told = child.said.at(-1)?.version ?? Number.NaN
      expect(await versionIn(path)).toBeGreaterThanOrEqual(told)
      expect(heard).toBeGreaterThanOrEqual(killedAfter)
    }
  })
})
