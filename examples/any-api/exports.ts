/**
 * How exports, reports, batches and nested lists are written. `docs/guides/any-api.md` shows these lines.
 */
import { z } from 'zod';
import {
  bearer,
  defineProvider,
  defineSync,
  del,
  fileFolder,
  get,
  path,
  post,
  storedFile,
} from '../../providers/index.ts';

export const ads = defineProvider({
  id: 'exports',
  baseUrl: 'https://api.exports.example',
  auth: bearer(),
  limits: [],
});

export const orders = ads.endpoint('orders', {
  input: z.object({}),
  response: z.array(z.object({ id: z.string(), amount: z.string() })), // all values of CSV are text
  request: () => get('/export/orders.csv.gz'), // unpacked by itself, read piece by piece
  format: { kind: 'csv', delimiter: ';' },
  paginate: { kind: 'single', items: (rows) => rows },
});

export const ordersInZip = ads.endpoint('orders-in-zip', {
  input: z.object({}),
  response: z.array(z.object({ id: z.string(), amount: z.string() })),
  request: () => get('/export/all.zip'), // read as it comes, file after file
  format: { kind: 'csv', files: (name) => name.startsWith('orders/') }, // default: all
  paginate: { kind: 'single', items: (rows, { file }) => rows.map((row) => ({ ...row, file })) },
});

export const attachment = ads.endpoint('attachment', {
  input: z.object({ url: z.string(), size: z.number() }),
  response: storedFile, // { name, type, bytes, sha256, ref }
  request: ({ url }) => get(url),
  format: { kind: 'file', into: fileFolder('/var/lib/files'), expect: ({ size }) => ({ bytes: size }) },
  openHosts: ['*.storage.example'], // no other host is asked, and this one without credentials
});

export const report = ads.endpoint('report', {
  input: z.object({ day: z.string() }),
  response: z.array(z.object({ id: z.string(), clicks: z.number() })),
  job: {
    submitted: z.object({ reportId: z.string() }),
    polled: z.object({ status: z.string(), url: z.string().nullish() }),
    submit: ({ day }, { key }) => post('/reports', { day }, { 'idempotency-key': key }),
    id: ({ reportId }) => reportId,
    poll: (id) => get(path`/reports/${id}`),
    cancel: (id) => del(path`/reports/${id}`), // when nobody wants it any more, once at most
    state: ({ status, url }) =>
      status === 'DONE' ? { state: 'done', results: url ? [url] : [] } : { state: 'running' },
    whenUnknown: 'submit-again', // its key makes no second one
  },
  request: (_, page) => get(page.job.result),
  openHosts: ['*.storage.example'], // presigned: asked without credentials
  format: 'ndjson',
  paginate: { kind: 'single', items: (rows) => rows },
});

export const reportFile = ads.endpoint('report-file', {
  input: z.object({ documentId: z.string() }),
  response: z.array(z.object({ sku: z.string(), price: z.string() })),
  job: {
    known: ({ documentId }) => documentId, // somebody else has made it, or it is there already: nothing is submitted
    polled: z.object({ status: z.string(), url: z.string().nullish() }),
    poll: (id) => get(path`/documents/${id}`),
    state: ({ status, url }) => (status === 'READY' && url ? { state: 'done', results: [url] } : { state: 'running' }),
  },
  request: (_, page) => get(page.job.result), // asked for anew where it has ended, and stored nowhere
  openHosts: ['*.storage.example'],
  format: { kind: 'csv', delimiter: '\t', quote: false },
  paginate: { kind: 'single', items: (rows) => rows },
});

const Comment = z.object({ id: z.string(), text: z.string() });
const Comments = z.object({ nodes: z.array(Comment), next: z.string().nullable() });

export const posts = ads.endpoint('posts', {
  input: z.object({}),
  response: z.object({ items: z.array(z.object({ id: z.string(), comments: Comments })), next: z.string().nullish() }),
  request: (_, page) => get('/posts', { cursor: page.cursor }),
  paginate: { kind: 'cursor', items: ({ items }) => items, next: ({ next }) => next },
});
export const comments = ads.endpoint('comments', {
  input: z.object({ post: z.string() }),
  response: Comments,
  request: ({ post: id }, page) => get(path`/posts/${id}/comments`, { cursor: page.cursor }),
  paginate: { kind: 'cursor', items: ({ nodes }) => nodes, next: ({ next }) => next },
});
export const stats = ads.endpoint('stats', {
  input: z.object({ ids: z.array(z.string()) }),
  response: z.array(z.object({ postId: z.string(), views: z.number() })),
  request: ({ ids }) => get('/stats', { ids: ids.join(',') }),
  paginate: { kind: 'single', items: (rows) => rows },
});

export const exported = defineSync('exported', { provider: ads, input: z.object({}) }, (s) => {
  const all = s.one(posts, { input: () => ({}), key: ({ id }) => id });
  return {
    posts: all,
    comments: s.each(all, comments, {
      input: ({ id }) => ({ post: id }),
      key: ({ id }) => id,
      nested: (row) => row.comments, // the first page came with the post; asked for only where there is more
    }),
    stats: s.batch(all, stats, {
      size: 100,
      input: (rows) => ({ ids: rows.map(({ id }) => id) }),
      parentOf: ({ postId }) => postId,
      key: ({ postId }) => postId,
    }),
  };
});
