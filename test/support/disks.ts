import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

/** Makes `folder` a disk of so many KiB; whether this user may. */
export function mountDisk(folder: string, kib: number): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kib}k,mode=700`, 'tmpfs', folder], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

export const unmount = (folder: string) => void execFileSync('umount', ['-l', folder])

function mayMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'disk-'))
  const may = mountDisk(folder, 128)
  if (may) unmount(folder)
  rmdirSync(folder)
  return may
}

const MISSING = 'this user may not mount: the tests with a real disk DID NOT RUN'

/** Tests that need a disk of their own, where the user may have one; where CI is set, it has to be so. */
export function describeWithDisk(name: string, tests: () => void): void {
  if (mayMount()) {
    describe(name, tests)
    return
  }
  process.stderr.write(`\n${MISSING}\n`)
  describe(name, () => {
    it('DID NOT RUN: this user may not mount', () => {
      expect(process.env.CI, MISSING).toBeUndefined()
    })
  })
}
