/**
 * How what is kept from run to run is written. `docs/guides/any-api.md` shows these lines.
 */
import { z } from 'zod';
import {
  checkpointExpired,
  defineSync,
  get,
  hours,
  minutes,
  rules,
  status,
  when,
  window,
} from '../../providers/index.ts';
import { defineProvider } from '../../providers/index.ts';

export const changing = defineProvider({
  id: 'changing',
  baseUrl: 'https://api.changing.example',
  limits: [
    window('hour', {
      by: ['token'],
      max: 5_000,
      perMs: hours(1),
      actualCost: ({ status }) => (status === 304 ? 0 : 1),
    }),
  ],
});
const Row = z.object({ id: z.string(), updated: z.string() });
const Entry = z.object({ id: z.string(), removed: z.boolean().optional() });

export const since = changing.endpoint('since', {
  input: z.object({ since: z.string().optional() }),
  response: z.object({ items: z.array(Row), next: z.string().nullish() }),
  request: ({ since }, page) => get('/orders', { since, cursor: page.cursor }),
  paginate: { kind: 'cursor', items: (answer) => answer.items, next: (answer) => answer.next },
});

export const delta = changing.endpoint('delta', {
  input: z.object({ link: z.string().optional() }),
  response: z.object({ value: z.array(Entry), nextLink: z.string().optional(), deltaLink: z.string().optional() }),
  request: ({ link }) => get(link ?? '/files/delta'),
  classify: rules([when(status(404), checkpointExpired())]), // 410 and usual words mean it without a rule
  paginate: {
    kind: 'link',
    items: (answer) => answer.value,
    next: (answer) => answer.nextLink,
    checkpoint: (answer) => answer.deltaLink,
  },
});

export const startToken = changing.endpoint('start-token', {
  input: z.object({}),
  response: z.object({ token: z.string() }),
  request: () => get('/changes/start'),
});
export const entries = changing.endpoint('entries', {
  input: z.object({ since: z.string().optional(), start: z.string() }),
  response: z.object({ entries: z.array(Entry), next: z.string().nullish(), token: z.string().nullish() }),
  request: ({ since }, page) => get(since === undefined ? '/entries' : '/changes', { since, cursor: page.cursor }),
  paginate: {
    kind: 'cursor',
    items: (answer) => answer.entries,
    next: (answer) => answer.next,
    checkpoint: ({ token }, { input }) => (input.since === undefined ? input.start : token),
  },
});

export const newestFirst = changing.endpoint('newest-first', {
  input: z.object({}),
  response: z.object({ items: z.array(Row), next: z.string().nullish() }),
  request: (_, page) => get('/feed', { cursor: page.cursor, limit: page.size }),
  paginate: { kind: 'cursor', items: (answer) => answer.items, next: (answer) => answer.next, order: 'newest-first' },
});

export const labels = changing.endpoint('labels', {
  input: z.object({}),
  response: z.object({ labels: z.array(Row) }),
  request: () => get('/labels'),
  paginate: { kind: 'single', items: (answer) => answer.labels },
  conditional: 'whole', // asks by ETag or Last-Modified
});

export const changes = defineSync('changes', { provider: changing, input: z.object({}) }, (s) => {
  const orders = s.one(since, {
    input: (_, { watermark }) => ({ since: watermark }),
    key: (order) => order.id,
    incremental: { field: (order) => order.updated, lookbackMs: minutes(10), zone: 'Europe/Berlin' }, // default UTC
  });
  const files = s.one(delta, {
    input: (_, { checkpoint }) => ({ link: checkpoint }),
    key: (file) => file.id,
    incremental: 'checkpoint',
    isGone: (file) => file.removed === true, // deletions that are told as rows
    deletions: 'full-pass', // and those that only a whole reading shows
  });
  const feed = s.one(newestFirst, {
    input: () => ({}),
    key: (row) => row.id,
    incremental: { field: (row) => row.updated, lookbackMs: minutes(10) }, // ends where 20 rows in a row are older
  });
  const all = s.one(labels, { input: () => ({}), key: (label) => label.id });
  return { orders, files, feed, labels: all };
});

export const drive = defineSync('drive', { provider: changing, input: z.object({}) }, (s) => {
  const start = s.one(startToken, { input: () => ({}), key: () => 'start' }); // told before the list is read
  return {
    start,
    entries: s.each(start, entries, {
      input: ({ token }, { checkpoint }) => ({ start: token, since: checkpoint }),
      key: (entry) => entry.id,
      incremental: 'checkpoint',
      isGone: (entry) => entry.removed === true,
    }),
  };
});
