/** The third party of `bench/files.ts`, in a process of its own. Argument: bytes of each file. Prints `READY url`. */
import { createHash } from 'node:crypto';
import { startFakeApi } from '../../testing/index.ts';

const bytes = Number(process.argv[2]);
const ROW_BYTES = 4_096;
const NOISE = Array.from({ length: 4_096 }, (_, n) => createHash('sha512').update(String(n)).digest('base64')).join('');
const count = Math.floor(bytes / ROW_BYTES);
const rowAt = (n: number) => {
  const from = (n * 7_919) % (NOISE.length - ROW_BYTES);
  return { id: `row-${n}`, note: NOISE.slice(from, from + ROW_BYTES - 40) };
};
const api = await startFakeApi();
api.binary('/binary', { content: bytes, type: 'video/mp4' });
api.file('/csv', { format: 'csv', count, rowAt });
api.file('/ndjson-gzip', { format: 'ndjson', count, rowAt, gzip: true });
const part = Math.floor(count / 4);
api.file('/csv-zip', { format: 'csv', count, rowAt, zip: { a: part, b: part, c: part, d: part } });
console.log(`READY ${api.url}`);
