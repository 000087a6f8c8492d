/** A zip archive made while it is sent: the sizes of each file follow it, as servers that stream have it. Used by: `files.ts`. */
import { crc32, createDeflateRaw } from 'node:zlib';
import { Readable } from 'node:stream';

/** @param files text of each, by name. */
export async function* zipStream(files: Iterable<readonly [string, Iterable<string>]>): AsyncGenerator<Buffer> {
  const table: Buffer[] = [];
  let at = 0;
  for (const [name, text] of files) {
    const named = Buffer.from(name);
    const local = Buffer.alloc(30);
    local.write('PK\x03\x04', 0, 'latin1');
    local.writeUInt16LE(20, 4);
    local.writeUInt16LE(0x0808, 6);
    local.writeUInt16LE(8, 8);
    local.writeUInt16LE(named.length, 26);
    yield Buffer.concat([local, named]);
    const came = { crc: 0, size: 0, packed: 0 };
    const bytes = (function* () {
      for (const part of text) {
        const chunk = Buffer.from(part);
        came.crc = crc32(chunk, came.crc);
        came.size += chunk.length;
        yield chunk;
      }
    })();
    for await (const chunk of Readable.from(bytes, { objectMode: false }).pipe(
      createDeflateRaw(),
    ) as AsyncIterable<Buffer>) {
      came.packed += chunk.length;
      yield chunk;
    }
    const sizes = Buffer.alloc(12);
    sizes.writeUInt32LE(came.crc, 0);
    sizes.writeUInt32LE(came.packed, 4);
    sizes.writeUInt32LE(came.size, 8);
    yield Buffer.concat([Buffer.from('PK\x07\x08', 'latin1'), sizes]);
    const entry = Buffer.alloc(46);
    entry.write('PK\x01\x02', 0, 'latin1');
    entry.writeUInt16LE(0x0808, 8);
    entry.writeUInt16LE(8, 10);
    sizes.copy(entry, 16);
    entry.writeUInt16LE(named.length, 28);
    entry.writeUInt32LE(at, 42);
    table.push(Buffer.concat([entry, named]));
    at += 30 + named.length + came.packed + 16;
  }
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 0, 'latin1');
  end.writeUInt16LE(table.length, 8);
  end.writeUInt16LE(table.length, 10);
  end.writeUInt32LE(Buffer.concat(table).length, 12);
  end.writeUInt32LE(at, 16);
  yield Buffer.concat([...table, end]);
}
