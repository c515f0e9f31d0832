import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { UnreadableRecording } from '../exchange.ts'

/** Both bytes begin each gzip member. */
export const isGzip = (bytes: Uint8Array) => bytes[0] === 0x1f && bytes[1] === 0x8b

/** How much is unzipped at once, bytes. */
const CHUNK_BYTES = 65_536

/**
 * Unzips as it goes; members that follow each other are one recording.
 *
 * @throws {UnreadableRecording} where it is cut off or damaged, after all that could be unzipped
 */
export async function* gunzipped(file: string, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES })
  let failure: unknown
  const ended = new Promise<void>((resolve) =>
    pipeline(bytes, gunzip, (error) => {
      failure = error
      resolve()
    }),
  )
  try {
    yield* gunzip
  } catch (error) {
    await ended
    // Trouble of the source is the source's to tell.
    if (failure instanceof UnreadableRecording) throw failure
    throw new UnreadableRecording({ file }, trouble(error))
  } finally {
    gunzip.destroy()
  }
}

const trouble = (error: unknown) =>
  (error as { code?: unknown }).code === 'Z_BUF_ERROR'
    ? 'is gzip and cut off; copy it again as a whole, or unzip what is there (`gzip -dc FILE > PART`)'
    : 'is gzip and damaged; copy it again, or record anew'
