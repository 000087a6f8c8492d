/**
 * Reads one file of `serve.ts` as a worker does, and watches its own memory. Arguments: its path, the third party, the database. Prints the
 * result as JSON in its last line.
 */
import { pipeline } from 'node:stream/promises';
import { Writable } from 'node:stream';
import { z } from 'zod';
import { createPool } from '../../db/index.ts';
import { defineProvider, defineSync, get, noAuth, storedFile, type FileSink } from '../../providers/index.ts';
import { createDrive } from '../common/drive.ts';

const [kind = '', url = '', databaseUrl = ''] = process.argv.slice(2);
const provider = defineProvider({ id: 'files', baseUrl: url, auth: noAuth(), limits: [] });
const nowhere: FileSink = async (content) => {
  await pipeline(content, new Writable({ write: (_, __, done) => done() }));
};
const Rows = z.array(z.object({ id: z.string(), note: z.string() }));
const endpoint = (path: string) =>
  provider.endpoint(path.slice(1), {
    input: z.object({}),
    response: Rows,
    request: () => get(path),
    format: path.includes('csv') ? 'csv' : 'ndjson',
    paginate: { kind: 'single', items: (rows) => rows },
  });
const binary = provider.endpoint('binary', {
  input: z.object({}),
  response: storedFile,
  request: () => get('/binary'),
  format: { kind: 'file', into: nowhere },
});
const rows = endpoint(`/${kind}`.replace('/binary', '/none'));
const sync = defineSync('files', { provider, input: z.object({}) }, (s) => ({
  rows:
    kind === 'binary'
      ? s.one(binary, { input: () => ({}), key: ({ name }) => name })
      : s.one(rows, { input: () => ({}), key: ({ id }) => id }),
}));

const pool = createPool(databaseUrl, { applicationName: 'sluice-bench' });
const drive = await createDrive(pool);
// What a process takes that has all loaded and has done nothing.
await pool.query('select 1');
const idle = process.memoryUsage.rss();
let most = idle;
const watching = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 50);
const startedAt = performance.now();
const result = await drive.run(sync, { account: kind });
clearInterval(watching);
const MIB = 1024 * 1024;
console.log(
  JSON.stringify({
    isComplete: result?.complete === true,
    rows: result?.rows,
    seconds: (performance.now() - startedAt) / 1_000,
    idleMiB: idle / MIB,
    growthMiB: (most - idle) / MIB,
  }),
);
await drive.end();
await pool.end();
