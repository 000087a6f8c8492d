/**
 * The bytes of a large body as they come, unpacked on the way, within the same bound of ratio as small bodies. A zip stays one.
 * Used by: `read-pieces.ts`, `activities/files/receive-file.ts`.
 */
import { Readable, type Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createUnzip } from 'node:zlib';
import { ByteSource } from '../files/byte-source.ts';
import { BodyUnreadable } from './body-errors.ts';
import { checkRatio, isGzip, isKnownPacking, packingsOf, unknownEncoding } from './packings.ts';

/**
 * Also a file that is packed itself. @param told hears of that.
 * @throws BodyUnreadable for an encoding that is not read here; what it gives throws it for what can't be unpacked.
 */
export async function* unpackStream(
  stream: AsyncIterable<Buffer>,
  encoding: string | undefined,
  told: { isPacked: boolean },
): AsyncGenerator<Buffer, void> {
  const source = new ByteSource(unpackEncoding(stream, encoding));
  told.isPacked = isGzip(await source.peek(4));
  yield* told.isPacked ? through(source, createGunzip()) : source;
}

/** Without what its transport has packed; a file that is packed itself stays so. @throws BodyUnreadable as above. */
export function unpackEncoding(stream: AsyncIterable<Buffer>, encoding: string | undefined): AsyncIterable<Buffer> {
  const packings = packingsOf(encoding);
  const [packing] = packings;
  if (packings.length > 1 || (packing !== undefined && !isKnownPacking(packing)))
    throw new BodyUnreadable(unknownEncoding(packings));
  if (packing === undefined) return stream;
  return through(stream, packing === 'br' ? createBrotliDecompress() : createUnzip());
}

async function* through(stream: AsyncIterable<Buffer>, unpacker: Transform): AsyncGenerator<Buffer, void> {
  let bytesIn = 0;
  let bytesOut = 0;
  const source = Readable.from(
    (async function* () {
      for await (const chunk of stream) {
        bytesIn += chunk.length;
        yield chunk;
      }
    })(),
    { objectMode: false },
  );
  // Its error ends the unpacker, so that whoever reads hears of it as it was.
  let broken: Error | undefined;
  source.on('error', (error) => {
    broken = error;
    unpacker.destroy(error);
  });
  source.pipe(unpacker);
  try {
    for await (const chunk of unpacker as AsyncIterable<Buffer>) {
      bytesOut += chunk.length;
      checkRatio(bytesIn, bytesOut);
      yield chunk;
    }
  } catch (error) {
    if (broken) throw broken;
    if (error instanceof BodyUnreadable) throw error;
    throw new BodyUnreadable(`the body can't be unpacked: ${(error as Error).message}`);
  } finally {
    source.destroy();
    unpacker.destroy();
  }
}
