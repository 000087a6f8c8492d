/** Answers that are files: their bytes go to a sink, and what is known of them is the row. */
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Drive } from '../../../bench/common/drive.ts';
import {
  defineProvider,
  defineSync,
  fileFolder,
  get,
  noAuth,
  path,
  storedFile,
  type FileFormat,
  type FileSink,
} from '../../../providers/index.ts';
import { startFakeApi, type BinaryOptions, type FakeApi } from '../../../testing/index.ts';
import { onListStage } from '../../setup/list-stage.ts';
import type { TestDatabase } from '../../setup/servers/database.ts';

const SIZE = 300_000;
const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('a file of any content', () => {
  let api: FakeApi;
  let db: TestDatabase;
  let drive: Drive;
  let folder: string;
  let account: string;
  onListStage((stage) => ({ api, db, drive, account } = stage));
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-files-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  const Message = z.object({ id: z.string(), at: z.string().optional(), bytes: z.number().optional() });
  type More = Omit<Partial<FileFormat<z.output<typeof Message>>>, 'kind'> & {
    readonly openHosts?: readonly string[];
    readonly conditional?: 'whole';
    readonly maxAttempts?: number;
  };
  const syncOf = ({ openHosts, conditional, maxAttempts = 1, ...format }: More = {}) => {
    // What is learned of the endpoint in one test is not for the next.
    const provider = defineProvider({
      id: `mail-${account}`,
      baseUrl: () => api.url,
      auth: noAuth(),
      limits: [],
      maxAttempts,
    });
    const messages = provider.endpoint('messages', {
      input: z.object({}),
      response: z.object({ items: z.array(Message) }),
      request: () => get('/messages'),
      paginate: { kind: 'single', items: ({ items }) => items },
    });
    const attachment = provider.endpoint('attachment', {
      input: Message,
      response: storedFile,
      request: ({ id, at }) => get(at ?? path`/messages/${id}/attachment`),
      format: { kind: 'file', into: fileFolder(folder), ...format },
      ...(openHosts ? { openHosts } : {}),
      ...(conditional ? { conditional } : {}),
    });
    return defineSync('mail', { provider, input: z.object({}) }, (s) => {
      const all = s.one(messages, { input: () => ({}), key: ({ id }) => id });
      const files = s.each(all, attachment, {
        input: (message) => message,
        key: (_, { id }) => id,
        map: (file, { id }) => ({ ...file, id }),
        onChildError: { maxSkippedShare: 1 },
      });
      return { messages: all, files };
    });
  };
  const serve = (rows: readonly object[], more: Partial<BinaryOptions<'/messages/:id/attachment'>> = {}): void => {
    api.route('GET', '/messages', () => ({ body: { items: rows } }));
    api.binary('/messages/:id/attachment', {
      content: SIZE,
      type: 'application/pdf',
      name: 'Rechnung März/1.pdf',
      ...more,
    });
  };
  const run = (more?: More) => drive.run(syncOf(more), { account });
  const files = async (): Promise<z.output<typeof storedFile>[]> => {
    const { rows } = await db.pool.query<{ data: z.output<typeof storedFile> }>(
      "select data from sluice.record where account = $1 and resource = 'mail.files' order by key",
      [account],
    );
    return rows.map(({ data }) => data);
  };
  const onDisk = async (): Promise<string[]> =>
    (await readdir(folder, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map(({ name }) => name);

  it('goes to its sink, and is a row with its name, type, size and hash', async () => {
    serve([{ id: 'a' }], { length: 'chunked' });
    expect(await run()).toMatchObject({ state: 'done', complete: true, rows: 2, calls: 2 });
    const [file] = await files();
    const kept = await readFile(join(folder, file?.ref ?? ''));
    // Folders in a name of the third party's lead nowhere.
    expect(file).toMatchObject({
      name: '1.pdf',
      type: 'application/pdf',
      bytes: SIZE,
      sha256: sha256Of(kept),
      id: 'a',
    });
    expect(kept).toHaveLength(SIZE);
    expect(await onDisk()).toEqual([file?.sha256]);
  });

  it('that breaks off, or has another length than was told, is not kept, and is asked for again', async () => {
    serve([{ id: 'a' }], { cuts: [100_000] });
    expect(await run({ maxAttempts: 2 })).toMatchObject({ complete: true, calls: 3 });
    expect(await onDisk()).toEqual([(await files())[0]?.sha256]);

    serve([{ id: 'b' }], { length: SIZE + 5 });
    expect(await run()).toMatchObject({
      complete: false,
      flaws: [expect.objectContaining({ kind: 'failed', reason: expect.stringMatching(/truncated-body/) })],
    });
    expect(await files()).toHaveLength(1);
    expect(await onDisk()).toHaveLength(1);
  });

  it('that is not what its parent or a header promises is not kept', async () => {
    serve([{ id: 'a', bytes: SIZE + 1 }]);
    expect(await run({ expect: ({ bytes }) => ({ bytes }) })).toMatchObject({
      flaws: [
        expect.objectContaining({ reason: expect.stringMatching(/300000 bytes came, and 300001 were promised/) }),
      ],
    });
    serve([{ id: 'a' }], { headers: { 'content-md5': Buffer.alloc(16).toString('base64') } });
    expect(await run()).toMatchObject({
      flaws: [expect.objectContaining({ reason: expect.stringMatching(/its md5 is not the one that was promised/) })],
    });
    expect(await onDisk()).toEqual([]);
  });

  it('of which nothing says where it ends is kept, and its list is flawed, unless it was promised', async () => {
    serve([{ id: 'a' }], { length: 'untold' });
    expect(await run()).toMatchObject({
      state: 'incomplete',
      flaws: [
        expect.objectContaining({ kind: 'flawed', reason: expect.stringMatching(/nothing says where the file ends/) }),
      ],
    });
    expect(await files()).toHaveLength(1);
    expect(await run({ expect: () => ({ bytes: SIZE }) })).toMatchObject({ state: 'done', complete: true });
  });

  it.each([
    ['an error as JSON', { body: { ok: false, error: 'no_access' } }, /an error under a status of success/],
    ['a message as JSON', { body: { state: 'scanning' } }, /is application\/json, which is a message and no file/],
    [
      'a page of HTML',
      { headers: { 'content-type': 'text/html' }, body: '<html>Log in</html>' },
      /HTML instead of data/,
    ],
    ['nothing', { status: 204 }, /is no file, or a part of one \(HTTP 204\)/],
    ['a part', { status: 206, headers: { 'content-type': 'application/pdf' }, body: 'abc' }, /HTTP 206/],
    ['a file that is gone', { status: 404 }, /404/],
  ])('is not what came where it is %s', async (_, answer, reason) => {
    serve([{ id: 'a' }]);
    api.route('GET', '/messages/:id/attachment', () => answer);
    const result = await run();
    expect(result?.complete).toBe(false);
    expect(result?.flaws[0]?.reason).toMatch(reason);
    expect(await onDisk()).toEqual([]);
  });

  it('that is JSON is one where the answer or the definition says so', async () => {
    serve([{ id: 'a' }], { type: 'application/json' });
    expect(await run()).toMatchObject({ complete: true });
    api.route('GET', '/messages/:id/attachment', () => ({ body: { a: 1 } }));
    expect(await run({ types: ['application/*'] })).toMatchObject({ complete: true });
    expect((await files())[0]).toMatchObject({ name: 'attachment', bytes: 7 });
    expect((await run({ types: ['image/*'] }))?.flaws[0]?.reason).toMatch(/is application\/json, and was to be image/);
  });

  it('that is larger than it may be fails without being kept', async () => {
    serve([{ id: 'a' }]);
    expect((await run({ mostBytes: 1_000 }))?.flaws[0]?.reason).toMatch(/more than 1000 bytes/);
    expect(await onDisk()).toEqual([]);
  });

  it('whose sink throws, forgets to read, or swallows a break is no row', async () => {
    serve([{ id: 'a' }]);
    const sinks: [FileSink, RegExp][] = [
      [() => Promise.reject(new Error('disk full')), /sink: it threw Error: disk full/],
      [() => Promise.resolve('somewhere'), /sink: it came to its end before the file did/],
    ];
    for (const [into, reason] of sinks) expect((await run({ into }))?.flaws[0]?.reason).toMatch(reason);
    serve([{ id: 'a' }], { cuts: [100_000] });
    const into: FileSink = (content) =>
      buffer(content).then(
        () => 'x',
        () => 'half',
      );
    expect((await run({ into }))?.flaws[0]?.reason).toMatch(/truncated-body/);
    expect(await files()).toEqual([]);
  });

  it('on another host is asked for without credentials where that is allowed, and else not at all', async () => {
    const store = await startFakeApi();
    try {
      store.binary('/a', { content: 10, isPublic: true });
      serve([{ id: 'a', at: `${store.url}/a?sig=1` }]);
      expect((await run())?.flaws[0]?.reason).toMatch(/credentials are not sent to other origins/);
      expect(store.report().calls).toBe(0);
      expect(await run({ openHosts: [new URL(store.url).host] })).toMatchObject({ complete: true, flaws: [] });
      expect((await files())[0]).toMatchObject({ name: 'a', bytes: 10 });
    } finally {
      await store.stop();
    }
  });

  it('that has not changed is not fetched again', async () => {
    serve([{ id: 'a' }], { headers: { etag: '"1"' } });
    await run({ conditional: 'whole' });
    expect(await run({ conditional: 'whole' })).toMatchObject({ complete: true, rows: 1 });
    expect(await files()).toHaveLength(1);
    expect(api.report().byStatus['304']).toBe(1);
  });

  it('is defined without mistakes, or all of them are told at once', () => {
    const provider = defineProvider({ id: 'mail', baseUrl: 'https://mail.example', auth: noAuth(), limits: [] });
    provider.endpoint('attachment', {
      input: z.object({}),
      response: z.object({ id: z.string() }),
      request: () => get('/a'),
      paginate: { kind: 'single', items: (answer) => [answer] },
      format: { kind: 'file', into: fileFolder('files'), types: ['pdf'], mostBytes: 0, maxBytes: 1 } as never,
    });
    const text = provider.mistakes().join('\n');
    for (const mistake of [
      /unknown option `maxBytes`/,
      /fileFolder\("files"\): it must be an absolute path/,
      /types must be a list of content types, e\.g\. \["application\/pdf", "image\/\*"\]/,
      /mostBytes is 0/,
      /leave out `paginate`/,
      /write response: storedFile/,
    ])
      expect(text).toMatch(mistake);
    expect(syncOf().definition.provider.mistakes()).toEqual([]);
  });
});
