/**
 * The bytes of a large body as they come, unpacked on the way, within the same bound of ratio as small bodies. A zip has its table of
 * contents at its end: it is read whole. Used by: `read-pieces.ts`.
 */
import { Readable, type Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createUnzip } from 'node:zlib';
import { HARMLESS_BYTES, isGzip, MOST_RATIO } from './decompress.ts';
import { BodyUnreadable } from './body-errors.ts';

/** @throws BodyUnreadable for an encoding that is not read here; what it gives throws it for what can't be unpacked. */
export async function* unpackStream(
  stream: AsyncIterable<Buffer>,
  encoding: string | undefined,
): AsyncGenerator<Buffer, void> {
  yield* unpackFile(unpackEncoding(stream, encoding));
}

/** Without what its transport has packed; a file that is packed itself stays so. @throws BodyUnreadable as above. */
export function unpackEncoding(stream: AsyncIterable<Buffer>, encoding: string | undefined): AsyncIterable<Buffer> {
  const packings = (encoding ?? '').slice(0, 200).toLowerCase().split(',');
  const names = packings.map((name) => name.trim()).filter((name) => name !== '' && name !== 'identity');
  if (names.length > 1 || names.some((name) => !['gzip', 'x-gzip', 'deflate', 'br'].includes(name)))
    throw new BodyUnreadable(`the body has the content encoding "${names.join(', ')}", which is not read here`);
  const [name] = names;
  return name === undefined ? stream : through(stream, name === 'br' ? createBrotliDecompress() : createUnzip());
}

/** Looks at the first bytes: is what comes a packed file? */
async function* unpackFile(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  const iterator = stream[Symbol.asyncIterator]();
  let first = Buffer.alloc(0);
  let isDone = false;
  while (first.length < 4 && !isDone) {
    const { value, done } = await iterator.next();
    if (done) isDone = true;
    else first = Buffer.concat([first, value]);
  }
  const rest = (async function* () {
    if (first.length > 0) yield first;
    if (isDone) return;
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
  })();
  try {
    yield* isGzip(first) ? through(rest, createGunzip()) : rest;
  } finally {
    await iterator.return?.();
  }
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
      if (bytesOut > Math.max(HARMLESS_BYTES, bytesIn * MOST_RATIO))
        throw new BodyUnreadable(`the body unpacks to more than ${MOST_RATIO} times its size`);
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
