import { constants } from 'node:fs'
import { access, chmod, readlink, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { UnwritableOutput } from './output.ts'
import { UsageError } from './usage.ts'

/** Which file a name stands for: the same for all its names, links of both kinds included. */
type FileId = string

/** A file that a report goes to. */
export interface ReportFile {
  /** As it was given. */
  readonly name: string
  /** Where it lies: behind every link. */
  readonly path: string
  /** `undefined`: a terminal or a pipe, which anything may be written to, any number of times. */
  readonly id: FileId | undefined
  /** Its rights; `undefined`: it is not there yet. */
  readonly mode?: number | undefined
}

/** The file behind a name, or behind standard input (`-`); `undefined`: there is none. */
export async function idOf(name: string): Promise<FileId | undefined> {
  try {
    const { dev, ino } = await stat(name === '-' ? '/dev/stdin' : name, { bigint: true })
    return `${dev}:${ino}`
  } catch {
    return undefined
  }
}

const codeOf = (error: unknown) => (Object(error) as { code?: string }).code ?? 'unknown'

/**
 * Finds out where a report will go, and that it can.
 *
 * @throws {UsageError} when it cannot be written
 */
export async function reportFileOf(name: string): Promise<ReportFile> {
  try {
    const found = await stat(name).catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return undefined
      throw error
    })
    if (found === undefined) {
      const path = await placeOf(name)
      await access(dirname(path), constants.W_OK | constants.X_OK)
      return { name, path, id: path }
    }
    if (found.isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR' })
    await access(name, constants.W_OK)
    // What this process was given open is nobody's to replace.
    if (!found.isFile() || name.startsWith('/dev/')) return { name, path: name, id: undefined }
    const path = await realpath(name)
    await access(dirname(path), constants.W_OK | constants.X_OK)
    return { name, path, id: await idOf(path), mode: found.mode & 0o7777 }
  } catch (error) {
    throw new UsageError(`the report ${name} cannot be written (${codeOf(error)}); nothing was read`)
  }
}

/** Where a file will come to lie that is not there: a link may point to it already. */
async function placeOf(name: string): Promise<string> {
  const folder = await realpath(dirname(name))
  const link = await readlink(name).catch(() => undefined)
  return link === undefined ? join(folder, basename(name)) : placeOf(resolve(folder, link))
}

/**
 * All or nothing: who reads the report meanwhile has the old one.
 *
 * @throws {UnwritableOutput}
 */
export async function writeReport({ name, path, id, mode }: ReportFile, text: string): Promise<void> {
  const half = `${path}.${process.pid}.part`
  try {
    if (id === undefined) return await writeFile(path, text)
    await writeFile(half, text, { flag: 'wx', mode: mode ?? 0o666 })
    if (mode !== undefined) await chmod(half, mode)
    await rename(half, path)
  } catch (error) {
    if (id !== undefined) await rm(half, { force: true })
    throw new UnwritableOutput(`the report ${name}`, error)
  }
}
