/** Zip and tar archives of small files, as a third party would send them. */
import { crc32, deflateRawSync } from 'node:zlib';

/** @param claims says of each file that it has so many bytes, whatever it has. */
export function zipOf(files: Readonly<Record<string, string | Buffer>>, claims?: number): Buffer {
  const parts: Buffer[] = [];
  const table: Buffer[] = [];
  let at = 0;
  for (const [name, text] of Object.entries(files)) {
    const bytes = typeof text === 'string' ? Buffer.from(text) : text;
    const packed = deflateRawSync(bytes);
    const facts = Buffer.alloc(26);
    facts.writeUInt16LE(20, 0);
    facts.writeUInt16LE(8, 4);
    facts.writeUInt32LE(crc32(bytes), 10);
    facts.writeUInt32LE(packed.length, 14);
    facts.writeUInt32LE(claims ?? bytes.length, 18);
    facts.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), facts, Buffer.from(name), packed]);
    const where = Buffer.alloc(14);
    where.writeUInt32LE(at, 10);
    table.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00'), facts, where, Buffer.from(name)]));
    parts.push(local);
    at += local.length;
  }
  const end = Buffer.alloc(18);
  end.writeUInt16LE(table.length, 4);
  end.writeUInt16LE(table.length, 6);
  end.writeUInt32LE(Buffer.concat(table).length, 8);
  end.writeUInt32LE(at, 12);
  return Buffer.concat([...parts, ...table, Buffer.from('PK\x05\x06'), end]);
}

/** As POSIX has it, with folders before files; a name that does not fit is told in a record before it. */
export function tarOf(files: Readonly<Record<string, string | Buffer>>): Buffer {
  const parts = Object.entries(files).flatMap(([name, content]) => {
    const size = Buffer.byteLength(content);
    const type = name.endsWith('/') ? '5' : '0';
    if (Buffer.byteLength(name) <= 100) return [tarHead(name, size, type), padded(content)];
    const record = ` path=${name}\n`;
    const bytes = Buffer.byteLength(record);
    const length = [bytes + 2, bytes + 3].find((all) => String(all).length + bytes === all) ?? bytes + 3;
    const meta = `${length}${record}`;
    return [tarHead('meta', length, 'x'), padded(meta), tarHead(name.slice(0, 60), size, type), padded(content)];
  });
  return Buffer.concat([...parts, Buffer.alloc(1_024)]);
}

function tarHead(name: string, size: number, type: string): Buffer {
  const head = Buffer.alloc(512);
  head.write(name);
  head.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  head.write(`        ${type}`, 148);
  head.write('ustar\u000000', 257);
  head.write(
    `${head
      .reduce((sum, byte) => sum + byte)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
  );
  return head;
}

function padded(content: string | Buffer): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  return Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}
