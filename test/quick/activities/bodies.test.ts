import { gzipSync } from 'node:zlib';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { withData } from '../../../activities/bodies/body-data.ts';
import { createBodyBudget } from '../../../activities/bodies/body-budget.ts';
import { buildRequest } from '../../../activities/http/build-request.ts';
import { decodeText } from '../../../activities/bodies/decode-text.ts';
import { decompress } from '../../../activities/bodies/decompress.ts';
import { parseBody } from '../../../activities/bodies/parse-body.ts';
import { createPieceReader, type PieceOptions } from '../../../activities/bodies/read-pieces.ts';
import { createHttpSender } from '../../../activities/http/send.ts';
import type { Answer } from '../../../contracts/answers/answer.ts';
import type { BodyFormat } from '../../../contracts/answers/body-format.ts';
import { defineProvider, defineSync, get, noAuth } from '../../../providers/index.ts';
import { defaultOutcome } from '../../../providers/rules/default-rules.ts';
import { zipOf } from '../../setup/zip-of.ts';

const answerOf = (text: string, type = 'application/octet-stream', status = 200): Answer => ({
  status,
  headers: { 'content-type': type },
  text,
  elapsedMs: 1,
});
/** The body as its endpoint gets it, or what is wrong with it. */
const read = (text: string, format?: BodyFormat, type?: string): unknown => {
  const body = parseBody({ name: 'e', parseResponse: (value) => value }, withData(answerOf(text, type), format));
  return body.ok ? body.value : body.reason;
};

describe('bodies that are no JSON', () => {
  it('CSV without rows is none where its line of names has none that the schema wants', () => {
    const schema = z.array(z.object({ id: z.string().min(1), note: z.string().optional() }));
    const of = (text: string) =>
      parseBody({ name: 'e', parseResponse: (value) => schema.parse(value) }, withData(answerOf(text), 'csv'));
    expect(of('id,other\n')).toMatchObject({ ok: true, value: [] });
    expect(of('error: quota exceeded\n')).toMatchObject({
      ok: false,
      reason: expect.stringContaining('its line of names has no "id"') as string,
    });
  });

  it('CSV is rows by the names of its first line, all of them text', () => {
    const text = 'id,note\r\n007,"a ""b"",\r\nc"\r\n9007199254740993,\r\n';
    expect(read(text, 'csv')).toEqual([
      { id: '007', note: 'a "b",\r\nc' },
      { id: '9007199254740993', note: '' },
    ]);
    expect(read('7;x\n', { kind: 'csv', delimiter: ';', columns: ['id', 'note'] })).toEqual([{ id: '7', note: 'x' }]);
    const tabs = { kind: 'csv', delimiter: '\t', quote: false } as const;
    expect(read('id\tnote\n1\t"Best" of 5"\n2\t"\n', tabs)).toEqual([
      { id: '1', note: '"Best" of 5"' },
      { id: '2', note: '"' },
    ]);
    expect(read('id,note\n', 'csv')).toEqual([]);
    const hidden = read('__proto__,id\nx,1\n', 'csv') as object[];
    expect(Object.keys(hidden[0]!)).toEqual(['__proto__', 'id']);
    expect(Object.getPrototypeOf(hidden[0])).toBe(Object.prototype);
  });

  it.each([
    ['id,id\n1,2\n', 'csv', /two columns called "id"/],
    ['id,note\n1\n', 'csv', /is no CSV.*expect 2, got 1/],
    ['id\n"1', 'csv', /is no CSV.*Quote Not Closed/],
    ['', 'csv', /is empty/],
    ['1,2\n', { kind: 'csv', columns: ['id'] }, /2 columns, not the 1/],
    ['{"a":1}\n{"a":\n', 'ndjson', /line 2 is not JSON/],
    ['<a><b></a>', 'xml', /is no XML/],
    ['<a>', 'xml', /is no XML/],
    ['', 'xml', /is empty/],
    ['<!DOCTYPE a [<!ENTITY x "boo">]><a>&x;</a>', 'xml', /declares entities/],
    ['<a>&boo;</a>', 'xml', /is no XML/],
    ['<a>'.repeat(300), 'xml', /more than 200 elements/],
  ] as const)('says what is wrong with %j as %j', (text, format, reason) => {
    expect(read(text, format as BodyFormat)).toMatch(reason);
  });

  it('NDJSON is a list of its lines, numbers kept to the last digit', () => {
    expect(read('{"id":9007199254740993}\r\n\n{"id":2}', 'ndjson')).toEqual([{ id: '9007199254740993' }, { id: 2 }]);
    expect(read('', 'ndjson')).toEqual([]);
  });

  it('XML is objects, with lists where the definition says so', () => {
    const format = { kind: 'xml', lists: ['orders.order'] } as const;
    expect(
      read('<?xml version="1.0"?><orders n="2"><order id="1">a &lt;&#66;<![CDATA[<c>]]></order></orders>', format),
    ).toEqual({
      orders: { '@n': '2', order: [{ '@id': '1', '#text': 'a <B<c>' }] },
    });
    expect(read('<orders/>', format)).toEqual({ orders: { order: [] } });
    expect(read('<a><b>1</b><b>2</b> </a>', 'xml')).toEqual({ a: { b: ['1', '2'] } });
  });

  it('XML has its names without prefixes where the definition says so, whichever a server has chosen', () => {
    const format = { kind: 'xml', lists: ['multistatus.response'], prefixes: false } as const;
    const meant = { multistatus: { response: [{ href: '/a', prop: { '@lang': 'de', '#text': 'A' } }] } };
    for (const [d, declared] of [
      ['d:', 'xmlns:d="DAV:"'],
      ['', 'xmlns="DAV:"'],
      ['ns0:', 'xmlns:ns0="DAV:"'],
    ] as const) {
      const response = `<${d}response><${d}href>/a</${d}href><${d}prop xml:lang="de">A</${d}prop></${d}response>`;
      expect(read(`<${d}multistatus ${declared}>${response}</${d}multistatus>`, format)).toEqual(meant);
    }
    expect(read('<d:a xmlns:d="DAV:"/>', 'xml')).toEqual({ 'd:a': { '@xmlns:d': 'DAV:' } });
  });

  it('XML in a charset that it declares itself is read so, unless the content type names another', () => {
    const of = (encoding: string, bytes: BufferEncoding, type = 'application/xml') =>
      decodeText(Buffer.from(`<?xml version="1.0" encoding="${encoding}"?><a>Zoë</a>`, bytes), type);
    for (const encoding of ['ISO-8859-1', 'windows-1252', 'UTF-8'])
      expect(of(encoding, encoding === 'UTF-8' ? 'utf8' : 'latin1')).toMatchObject({
        text: expect.stringContaining('>Zoë<') as string,
      });
    expect(of('ISO-8859-1', 'utf8', 'text/xml; charset=utf-8').text).toContain('>Zoë<');
    // Written by a program that names its own strings.
    expect(of('utf-16', 'utf8')).toEqual({ text: expect.stringContaining('>Zoë<') as string });
    expect(of('klingon', 'latin1').damage).toContain('"klingon" is not known');
  });

  it('the content type decides where the endpoint says nothing, and JSON stays JSON', () => {
    expect(read('a\n1\n', undefined, 'text/csv; charset=utf-8')).toEqual([{ a: '1' }]);
    expect(read('<a>1</a>', undefined, 'application/xml')).toEqual({ a: '1' });
    expect(read('{"a":1}\n{"a":2}\n', undefined, 'application/x-ndjson')).toEqual([{ a: 1 }, { a: 2 }]);
    expect(read('{"a":1}', undefined, 'text/csv')).toEqual({ a: 1 });
    expect(read('a\n1\n')).toMatch(/not JSON/);
    expect(read('plain \0 words', 'text')).toBe('plain \ufffd words');
  });

  it('an error in JSON where an export was to come is no row, and rules can look at it', () => {
    const error = '{"error":{"code":"quota"}}';
    for (const format of ['csv', 'xml'] as const) {
      expect(read(error, format)).toMatch(new RegExp(`is JSON, and was to be ${format.toUpperCase()}`));
      expect(defaultOutcome(withData(answerOf(error), format))).toMatchObject({ kind: 'retry' });
    }
    expect(defaultOutcome(withData(answerOf(error), 'ndjson'))).toMatchObject({ kind: 'retry' });
    // Answers that are no success are read by their content type.
    expect(withData(answerOf(error, 'application/json', 400), 'csv').data).toBeUndefined();
  });

  it('takes hostile bodies in time that grows with their size alone', () => {
    const size = 400_000;
    const started = performance.now();
    read(`a\n${'"'.repeat(size)}`, 'csv');
    read(`a\n${','.repeat(size)}\n`, 'csv');
    read(`<a ${'b="c" '.repeat(10)}>${'&amp;'.repeat(size / 5)}${'<b/>'.repeat(size / 4)}</a>`, {
      kind: 'xml',
      lists: ['a.b'],
    });
    read(`<a>${'<![CDATA['.repeat(size / 9)}`, 'xml');
    read(`${'\n'.repeat(size)}{}`, 'ndjson');
    expect(performance.now() - started).toBeLessThan(8_000);
  });
});

describe('packed files', () => {
  const text = 'id,n\n1,2\n';
  const unpack = async (bytes: Buffer, encoding?: string, most = 100_000) => {
    const unpacked = await decompress(bytes, encoding, most);
    return unpacked.ok ? unpacked.bytes.toString() : unpacked;
  };

  it('gzip and zip are unpacked without a header, and inside of an encoding', async () => {
    const gz = gzipSync(text);
    expect(await unpack(gz)).toBe(text);
    expect(await unpack(gzipSync(gz), 'gzip')).toBe(text);
    expect(await unpack(zipOf({ 'out/': '', 'out/report.csv': text }))).toBe(text);
    expect(await unpack(gzipSync(zipOf({ 'report.csv': text })), 'gzip')).toBe(text);
  });

  it('a zip of several files, a bomb and a broken one are refused with a sentence', async () => {
    expect(await unpack(zipOf({ 'a.csv': text, 'b.csv': text }))).toMatchObject({
      reason: expect.stringMatching(/zip of 2 files.*"a.csv", "b.csv"/),
    });
    expect(await unpack(zipOf({}))).toMatchObject({ reason: expect.stringMatching(/zip of no files/) });
    expect(await unpack(zipOf({ 'a.csv': 'x'.repeat(200_000) }))).toMatchObject({ isTooLarge: true });
    // It says that it has less than comes out.
    expect(await unpack(zipOf({ 'a.csv': 'x'.repeat(200_000) }, 10))).toMatchObject({ ok: false });
    expect(await unpack(zipOf({ 'a.csv': text }).subarray(0, 40))).toMatchObject({ ok: false, isTooLarge: false });
  });
});

describe('a file read piece by piece', () => {
  const lines = Array.from({ length: 9_000 }, (_, n) => `${n},"row\n""${n}"" ${'é'.repeat(n % 50)}"\r\n`);
  const file = Buffer.from(`\ufeffid,note\r\n${lines.join('')}`);
  const csv: PieceOptions = { hasQuotes: true, hasHead: true };
  async function* chunksOf(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
    for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
  }
  const limits = () => ({
    maxBodyBytes: 8_000_000,
    hold: createBodyBudget().hold(),
    signal: new AbortController().signal,
  });
  const readerOf = (bytes: Buffer, options: PieceOptions, size = 7_001, headers = {}) =>
    createPieceReader(chunksOf(bytes, size), headers, limits(), options);
  const piecesOf = async (bytes: Buffer, options = csv, size?: number, headers?: object) => {
    const reader = readerOf(bytes, options, size, headers);
    const pieces = [await reader.next()];
    while (pieces.at(-1)?.soFar) pieces.push(await reader.next());
    return pieces;
  };
  const rowsOf = (text: string) => read(text, 'csv') as { id: string }[];

  it('brings each row once, cut where a row ends, however its bytes come', async () => {
    const whole = rowsOf(file.toString('utf8').slice(1));
    for (const size of [1, 4_096, 1_000_000]) {
      const bytes = size === 1 ? Buffer.from(`id,note\n${lines.slice(0, 3_000).join('')}`) : file;
      const pieces = await piecesOf(bytes, csv, size);
      expect(pieces.length).toBeGreaterThan(1);
      expect(pieces.flatMap(({ text }) => rowsOf(text))).toEqual(size === 1 ? whole.slice(0, 3_000) : whole);
      expect(pieces.every(({ damage }) => damage === undefined)).toBe(true);
    }
    const packed = await piecesOf(gzipSync(gzipSync(file)), csv, 999, { 'content-encoding': 'gzip' });
    expect(packed.flatMap(({ text }) => rowsOf(text))).toEqual(whole);
    const zipped = await piecesOf(zipOf({ 'a.csv': file.toString() }));
    expect(zipped.flatMap(({ text }) => rowsOf(text))).toEqual(whole);
  });

  it('goes on where it was left, and not in another file', async () => {
    const [first, second] = await piecesOf(file);
    const from = first!.soFar!;
    expect((await readerOf(file, { ...csv, from }).next()).text).toBe(second!.text);
    const other = Buffer.from(file);
    other[20] = 'X'.charCodeAt(0);
    await expect(readerOf(other, { ...csv, from }).next()).rejects.toThrow(/not the one any more/);
    await expect(readerOf(file.subarray(0, 1_000), { ...csv, from }).next()).rejects.toThrow(/not the one any more/);
  });

  it('a charset of one byte a character is read, and UTF-16 whole', async () => {
    const latin = await piecesOf(Buffer.from('id\nÄ\n', 'latin1'), csv, 3, {
      'content-type': 'text/csv; charset=latin1',
    });
    expect(rowsOf(latin[0]!.text)).toEqual([{ id: 'Ä' }]);
    const wide = await piecesOf(Buffer.from('\ufeffid\nÄ\n', 'utf16le'), csv, 3);
    expect(rowsOf(wide[0]!.text)).toEqual([{ id: 'Ä' }]);
    const damaged = await piecesOf(Buffer.from('id\nÄ\n', 'latin1'));
    expect(damaged[0]!.damage).toMatch(/not all of the body is utf-8/);
  });

  it('refuses a row without an end, and what unpacks to too much', async () => {
    await expect(piecesOf(Buffer.alloc(3_000_000, 'x'), csv, 65_536)).rejects.toThrow(/a row of more than/);
    await expect(piecesOf(gzipSync(Buffer.alloc(40_000_000, 'x\n')), csv, 65_536)).rejects.toThrow(/250 times/);
    await expect(piecesOf(file, csv, 999, { 'content-encoding': 'zstd' })).rejects.toThrow(/zstd/);
    await expect(piecesOf(gzipSync(file).subarray(0, 9_000), csv, 999)).rejects.toThrow(/can't be unpacked/);
  });

  describe('over a connection', () => {
    let server: Server;
    const http = createHttpSender();
    beforeAll(async () => {
      server = createServer((_, response) => {
        response.writeHead(200, { 'content-length': String(file.length * 2) });
        response.write(file);
        setTimeout(() => response.destroy(), 200);
      }).listen(0, '127.0.0.1');
      await new Promise((resolve) => server.once('listening', resolve));
    });
    afterAll(async () => {
      await http.close();
      server.close();
    });
    it('one that breaks in the middle is an error of the piece that was cut', async () => {
      const { port } = server.address() as AddressInfo;
      const times = { connectMs: 1_000, headersMs: 2_000, bodyMs: 2_000, totalMs: 5_000, maxBodyBytes: 1_000_000 };
      let answer = await http.send({ method: 'GET', url: `http://127.0.0.1:${port}/`, headers: {} }, times, {
        pieces: csv,
        hold: http.bodies.hold(),
      });
      let pieces = 0;
      for (; answer.rest; pieces++) {
        expect(answer.error).toBeUndefined();
        answer = await answer.rest.next();
      }
      expect(pieces).toBeGreaterThan(1);
      expect(answer.error).toMatchObject({ code: 'truncated-body' });
    });
  });
});

describe('requests', () => {
  const build = (body: object) => buildRequest({ method: 'POST', path: '/x', ...body }, 'https://api.example', {}, {});

  it('are forms, forms with files, and text of any type', () => {
    expect(build({ form: { a: 'b c' } })).toMatchObject({
      body: 'a=b+c',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    const multipart = { kind: 'a', file: { filename: 'x".csv', type: 'text/csv', text: 'id\n1\n' } };
    const { headers, body = '' } = build({ multipart });
    const boundary = /boundary=(\S+)$/.exec(headers['content-type'] ?? '')?.[1];
    expect(body.split(`--${boundary}`)).toEqual([
      '',
      '\r\ncontent-disposition: form-data; name="kind"\r\n\r\na\r\n',
      '\r\ncontent-disposition: form-data; name="file"; filename="x%22.csv"\r\ncontent-type: text/csv\r\n\r\nid\n1\n\r\n',
      '--\r\n',
    ]);
    // An attempt that is repeated under an idempotency key is the same request.
    expect(build({ multipart }).body).toBe(body);
    expect(build({ body: { type: 'text/xml', text: '<a/>' } })).toMatchObject({
      body: '<a/>',
      headers: { 'content-type': 'text/xml' },
    });
    expect(() => build({ form: { a: 'b' }, json: {} })).toThrow(/`json` and `form`, but one body/);
  });
});

describe('the format of an endpoint', () => {
  it('has its mistakes told at load, all at once, with what to write', () => {
    const provider = defineProvider({ id: 'p', baseUrl: 'https://api.example', auth: noAuth(), limits: [] });
    const endpoint = (name: string, format: unknown, paginate?: object) =>
      provider.endpoint(name, {
        input: z.object({}),
        response: z.array(z.object({ id: z.string() })),
        request: () => get('/'),
        format: format as BodyFormat,
        ...(paginate
          ? { paginate: paginate as { kind: 'single'; items: (rows: { id: string }[]) => { id: string }[] } }
          : {}),
      });
    const rows = { kind: 'single', items: (answer: unknown) => answer };
    endpoint('a', 'yaml');
    endpoint('b', 'csv');
    endpoint('c', { kind: 'csv', delimiter: '::', columns: ['a', 'a'], quote: "'", escape: "'" }, rows);
    endpoint('d', { kind: 'xml', lists: 'a.b' });
    endpoint('g', { kind: 'xml', lists: ['d:a.d:b'], prefixes: false });
    endpoint('h', { kind: 'xml', prefixes: 'no' });
    const files = (name: string) => name.endsWith('.csv');
    endpoint('f', { kind: 'csv', files }, { kind: 'cursor', items: rows.items, next: () => null });
    const fine = endpoint('e', { kind: 'csv', delimiter: '\t' }, rows);
    const define = () =>
      defineSync('s', { provider, input: z.object({}) }, (s) => ({
        e: s.one(fine, { input: () => ({}), key: ({ id }) => id }),
      }));
    expect(define).toThrow(/has 10 mistakes/);
    expect(define).toThrow(/endpoint "g": format.lists has prefixes, .* write "multistatus.response"/);
    expect(define).toThrow(/endpoint "h": format.prefixes is a string; it must be true or false/);
    expect(define).toThrow(/endpoint "a": format is "yaml"; it must be one of "json", "ndjson"/);
    expect(define).toThrow(/endpoint "b": format is "csv".*paginate: \{ kind: 'single', items: \(rows\) => rows \}/);
    expect(define).toThrow(/endpoint "c": format: unknown option `escape`/);
    expect(define).toThrow(/format.quote is "'"; it must be false/);
    expect(define).toThrow(
      /endpoint "f": format.files: several files of a zip are one list, of kind "single", not .*"cursor"/,
    );
  });
});
