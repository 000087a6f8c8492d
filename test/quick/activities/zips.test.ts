/** Zip and tar archives that are read as they come: whole, or an error. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createBodyBudget } from '../../../activities/bodies/body-budget.ts';
import { createPieceReader, type Piece, type PieceOptions } from '../../../activities/bodies/read-pieces.ts';
import { filesInTar, isTar } from '../../../activities/files/untar-stream.ts';
import { filesInZip } from '../../../activities/files/unzip-stream.ts';
import { zipStream } from '../../../testing/fake-api/zip-stream.ts';
import { tarOf, zipOf } from '../../setup/zip-of.ts';

const TEXTS = { 'a.csv': 'id\r\n1\r\n', 'folder/b.csv': 'id\r\n'.repeat(9_000), empty: '', 'ü.csv': 'x' };

async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(bytes: Buffer, size = 1_000, filesIn = filesInZip): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { name, content } of filesIn(inChunks(bytes, size))) {
    const chunks: Buffer[] = [];
    for await (const chunk of content) chunks.push(chunk);
    found[name] = Buffer.concat(chunks).toString();
  }
  return found;
}

async function streamed(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of zipStream(Object.entries(TEXTS).map(([name, text]) => [name, [text]] as const)))
    chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** One file that is not packed, with its sizes before it. */
function storedZip(text: string): Buffer {
  const zip = zipOf({ a: text });
  const packed = deflateRawSync(Buffer.from(text)).length;
  const [head, table] = [zip.subarray(0, 31), zip.subarray(31 + packed)];
  for (const [part, at] of [
    [head, 8],
    [table, 10],
  ] as const)
    part.writeUInt16LE(0, at);
  head.writeUInt32LE(text.length, 18);
  table.writeUInt32LE(text.length, 20);
  return Buffer.concat([head, Buffer.from(text), table]);
}

describe('a zip that is read as it comes', () => {
  it.each([1, 7, 1_000, 1_000_000])(
    'has its files, in chunks of %i bytes, wherever their sizes stand',
    async (size) => {
      expect(await read(await streamed(), size)).toEqual(TEXTS);
      const { 'ü.csv': _, ...plain } = TEXTS;
      expect(await read(zipOf(plain), size)).toEqual(plain);
      expect(await read(storedZip('not packed'), size)).toEqual({ a: 'not packed' });
    },
  );

  it('is an error wherever it is cut', async () => {
    const whole = await streamed();
    const cuts = Array.from({ length: 60 }, (_, n) => Math.floor((whole.length * n) / 60)).concat(whole.length - 1);
    for (const cut of cuts)
      await expect(read(whole.subarray(0, cut)), `cut at ${cut}`).rejects.toThrow(/ends|unpacked/);
  });

  it('is an error where a byte of it is another one', async () => {
    const whole = await streamed();
    const wrong: number[] = [];
    for (let at = 0; at < whole.length - 22; at += 3) {
      const spoilt = Buffer.from(whole);
      spoilt[at] = (spoilt[at] ?? 0) ^ 0x55;
      const found = await read(spoilt).catch(() => undefined);
      // Times, versions and the like may be what they want; files may not.
      if (found && JSON.stringify(found) !== JSON.stringify(TEXTS)) wrong.push(at);
    }
    expect(wrong).toEqual([]);
  });

  it('that is encrypted, packed in another way or unpacks to too much is refused in words', async () => {
    const encrypted = zipOf({ a: 'x' });
    encrypted.writeUInt16LE(1, 6);
    await expect(read(encrypted)).rejects.toThrow(/"a" of the zip is encrypted/);
    const other = zipOf({ a: 'x' });
    other.writeUInt16LE(14, 8);
    await expect(read(other)).rejects.toThrow(/packed by method 14/);
    await expect(read(zipOf({ a: '0'.repeat(5_000_000) }))).rejects.toThrow(/more than 250 times its size/);
  });
});

describe('a zip that is read piece by piece', () => {
  const lines = (count: number, of: string): string => Array.from({ length: count }, (_, n) => `${of}${n}\n`).join('');

  async function pieces(bytes: Buffer, options: Omit<PieceOptions, 'hasQuotes'>): Promise<Piece[]> {
    const limits = {
      maxBodyBytes: 1_000_000,
      hold: createBodyBudget().hold(),
      signal: new AbortController().signal,
    };
    const reader = createPieceReader(inChunks(bytes, 1_000), {}, limits, { hasQuotes: false, ...options });
    const read: Piece[] = [];
    do read.push(await reader.next());
    while (read.at(-1)?.soFar);
    return read;
  }

  it.each([
    ['files without a line of names', false, { a: lines(2_000, 'a'), b: lines(3, 'b'), c: lines(2_500, 'c') }],
    ['files of which some are empty', false, { none: '', a: lines(2_000, 'a'), nothing: '', no: '', c: lines(3, 'c') }],
    ['files that begin with names', true, { a: `id\n${lines(2_000, 'a')}`, b: 'id\n', c: `id\n${lines(2_500, 'c')}` }],
  ])('goes on behind each of its pieces: %s', async (_, hasHead, files) => {
    const zip = zipOf(files);
    const whole = await pieces(zip, { hasHead });
    const head = hasHead ? 'id\n' : '';
    for (const { text } of whole) expect(text.startsWith(head)).toBe(true);
    expect(whole.map(({ text }) => text.slice(head.length)).join('')).toBe(
      Object.values(files)
        .map((text) => text.slice(head.length))
        .join(''),
    );
    for (const [index, { soFar }] of whole.entries())
      if (soFar)
        expect(await pieces(zip, { hasHead, from: soFar }), `piece ${index + 1}`).toEqual(whole.slice(index + 1));
  });
});

it('an archive of files that are packed themselves is read on behind what is stored, and a cut or spoilt file is an error', async () => {
  const rows = (name: string, count: number) =>
    Array.from({ length: count }, (_, n) => `{"id":"${name}${n}"}\n`).join('');
  const [a, b] = [rows('a', 3_000), rows('b', 2_500)];
  const limits = { maxBodyBytes: 1e8, hold: createBodyBudget(1e9).hold(), signal: new AbortController().signal };
  const readAll = async (bytes: Buffer): Promise<Piece[]> => {
    const pieces: Piece[] = [];
    for (let from: PieceOptions['from'], isOver = false; !isOver;) {
      const options = { hasQuotes: false, hasHead: false, from };
      const piece = await createPieceReader(inChunks(bytes, 5_000), { 'content-length': '1' }, limits, options).next();
      pieces.push(piece);
      isOver = piece.soFar === undefined;
      from = piece.soFar;
    }
    return pieces;
  };
  const files = { '1/a.json.gz': gzipSync(a), 'b.json': b, 'c.json.gz': gzipSync('{"id":"c"}\n') };
  for (const bytes of [zipOf(files), tarOf(files)]) {
    const pieces = await readAll(bytes);
    expect(pieces.map(({ file }) => file)).toEqual(['1/a.json.gz', '1/a.json.gz', 'b.json', 'b.json', 'c.json.gz']);
    expect(pieces.map(({ text }) => text).join('')).toBe(`${a}${b}{"id":"c"}\n`);
  }
  const cut = gzipSync(a).subarray(0, -20);
  await expect(readAll(zipOf({ 'a.json.gz': cut }))).rejects.toThrow(/can't be unpacked/);
});

describe('a tar that is read as it comes', () => {
  const LONG = `${'folder/'.repeat(20)}ö.csv`;
  const FILES = { 'a.csv': 'id\r\n1\r\n', 'folder/': '', [LONG]: 'id\r\n'.repeat(9_000), empty: '', last: 'x' };
  const { 'folder/': _, ...TEXT_FILES } = FILES;

  it.each([1, 7, 1_000, 1_000_000])(
    'has its files, in chunks of %i bytes, however long their names are',
    async (size) => {
      expect(isTar(tarOf(FILES).subarray(0, 512))).toBe(true);
      expect(await read(tarOf(FILES), size, filesInTar)).toEqual(TEXT_FILES);
    },
  );

  it.each(['ustar', 'pax', 'gnu'])('has its files as the program of that name writes them: %s', async (format) => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-tar-'));
    try {
      const name = format === 'ustar' ? 'b.csv' : `${'n'.repeat(120)}.csv`;
      for (const [file, text] of [
        ['a.csv', 'id\n1\n'],
        [name, 'id\n2\n'],
      ] as const)
        writeFileSync(join(folder, file), text);
      const made = execFileSync('tar', ['-C', folder, `--format=${format}`, '-cf', '-', 'a.csv', name]);
      expect(isTar(made.subarray(0, 512))).toBe(true);
      expect(await read(made, 300, filesInTar)).toEqual({ 'a.csv': 'id\n1\n', [name]: 'id\n2\n' });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('is an error wherever it is cut, and where a byte of a header is another one', async () => {
    const whole = tarOf(FILES);
    for (const cut of Array.from({ length: 60 }, (_, n) => Math.floor(((whole.length - 1_024) * n) / 59)))
      await expect(read(whole.subarray(0, cut), 1_000, filesInTar), `cut at ${cut}`).rejects.toThrow(
        /ends in the middle/,
      );
    for (const at of [3, 130, 150, 156, 300]) {
      const spoilt = Buffer.from(whole);
      spoilt[at] = (spoilt[at] as number) ^ 1;
      await expect(read(spoilt, 1_000, filesInTar), `byte ${at}`).rejects.toThrow('the tar is damaged behind 0 files');
    }
  });

  it('is read on behind what is stored, packed or not, and nothing that is wanted is passed over', async () => {
    const rows = (name: string, count: number) =>
      Array.from({ length: count }, (_, n) => `{"id":"${name}${n}"}\n`).join('');
    const files = { 'a.ndjson': rows('a', 3_000), 'note.txt': 'no row', 'b.ndjson': rows('b', 2_500) };
    for (const bytes of [tarOf(files), gzipSync(tarOf(files))]) {
      const pieces: Piece[] = [];
      for (let from: PieceOptions['from'], isOver = false; !isOver;) {
        const options = {
          hasQuotes: false,
          hasHead: false,
          isWanted: (name: string) => name.endsWith('.ndjson'),
          from,
        };
        const limits = { maxBodyBytes: 1e8, hold: createBodyBudget(1e9).hold(), signal: new AbortController().signal };
        const piece = await createPieceReader(
          inChunks(bytes, 5_000),
          { 'content-length': '1' },
          limits,
          options,
        ).next();
        pieces.push(piece);
        isOver = piece.soFar === undefined;
        from = piece.soFar;
      }
      expect(pieces.map(({ file }) => file)).toEqual(['a.ndjson', 'a.ndjson', 'b.ndjson', 'b.ndjson']);
      expect(pieces.map(({ text }) => text).join('')).toBe(files['a.ndjson'] + files['b.ndjson']);
    }
  });
});
