/** One trace from the app's code through the run and the action to each call, and on to a third party that is to know of it. */
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { connect, type Sluice } from '../../../client/index.ts';
import { defineProvider, defineSync, get, noAuth, post, window } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { temporalAddress } from '../../setup/servers/servers.ts';
import { createWorld, type World } from '../../setup/world.ts';

const spans = new InMemorySpanExporter();
let api: FakeApi;
let world: World;
let sluice: Sluice;
const heard: (string | undefined)[] = [];

const provider = defineProvider({
  id: 'traced',
  baseUrl: () => api.url,
  auth: noAuth(),
  limits: [window('app', { by: ['app'], max: 1_000, perMs: 1_000 })],
  maxAttempts: 2,
});
const rows = provider.endpoint('rows', {
  input: z.object({}),
  response: z.object({ items: z.array(z.object({ id: z.string() })) }),
  request: () => get('/rows'),
  paginate: { kind: 'single', items: ({ items }) => items },
});
const sync = defineSync('traced-rows', { provider, input: z.object({}) }, (s) => ({
  rows: s.one(rows, { input: () => ({}), key: ({ id }) => id }),
}));
const add = provider.action('add', {
  input: z.object({}),
  output: z.object({ id: z.string() }),
  request: () => post('/rows', {}),
});

const odd = defineSync('traced-odd', { provider, input: z.object({}) }, (s) => ({
  rows: s.one(rows, {
    input: () => ({}),
    key: ({ id }) => id,
    map: () => {
      throw new Error('no such column');
    },
  }),
}));
const lines: Readonly<Record<string, unknown>>[] = [];
const write = (fields: object, message: string): void => void lines.push({ ...fields, message });

beforeAll(async () => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }));
  api = await startFakeApi();
  api.route('GET', '/rows', (call) => {
    heard.push(call.headers['traceparent'] as string | undefined);
    return heard.length === 1 ? { status: 500, body: {} } : { body: { items: [{ id: 'a' }] } };
  });
  api.route('POST', '/rows', (call) => {
    heard.push(call.headers['traceparent'] as string | undefined);
    return { body: { id: 'b' } };
  });
  world = await createWorld([sync, odd], {
    actions: [add],
    tracing: { sendTo: ['traced'] },
    log: { info: write, warn: write, error: write },
  });
  const { taskQueue } = world;
  sluice = await connect({
    databaseUrl: world.db.url,
    temporal: { address: temporalAddress() },
    taskQueue,
    tracing: true,
  });
});
afterAll(async () => {
  await sluice?.close();
  await world?.end();
  await api?.stop();
  trace.disable();
  context.disable();
});

it('has the start below the span of the app, and each call below the start, with its outcome', async () => {
  const app = trace.getTracer('app');
  await app.startActiveSpan('request', async (span) => {
    const run = await sluice.start(sync, { account: 'a', input: {} });
    expect(await run.result()).toMatchObject({ complete: true });
    await (await sluice.act(add, { account: 'a', input: {} })).result();
    span.end();
  });
  const all = spans.getFinishedSpans();
  const named = (name: string) => all.filter((span) => span.name === name);
  const [root] = named('request');
  const [started] = named('start sync traced-rows');
  const [acted] = named('start action traced/add');
  // A machine that is busy may have connected too late for its permit: that call was not sent, and another one was.
  const calls = named('traced rows').filter(({ attributes }) => attributes['sluice.outcome'] !== 'not-sent');
  const [write] = named('traced add');
  expect(new Set(all.map((span) => span.spanContext().traceId)).size).toBe(1);
  for (const span of [started, acted]) expect(span?.parentSpanContext?.spanId).toBe(root?.spanContext().spanId);
  expect(calls.map((span) => span.parentSpanContext?.spanId)).toEqual([1, 2].map(() => started?.spanContext().spanId));
  expect(write?.parentSpanContext?.spanId).toBe(acted?.spanContext().spanId);
  expect(calls.map(({ attributes }) => attributes['sluice.outcome'])).toEqual(['retry', 'ok']);
  expect(calls.map(({ attributes }) => attributes['http.response.status_code'])).toEqual([500, 200]);
  expect(calls[0]?.attributes).toMatchObject({ 'server.address': '127.0.0.1', 'sluice.account': 'a' });
  const told = [...calls, write].map((span) => `00-${span?.spanContext().traceId}-${span?.spanContext().spanId}-01`);
  expect(heard).toEqual(told);
});

it('begins at the call where the client does not trace', async () => {
  const before = spans.getFinishedSpans().length;
  const run = await world.sluice.start(sync, { account: 'b', input: {} });
  await run.result();
  const later = spans.getFinishedSpans().slice(before);
  expect(later.map(({ name, parentSpanContext }) => [name, parentSpanContext])).toEqual([['traced rows', undefined]]);
});

it('is in every line of a call, with run, account and node', async () => {
  const app = trace.getTracer('app');
  const { runId, traceId } = await app.startActiveSpan('request', async (span) => {
    const run = await sluice.start(odd, { account: 'c', input: {} });
    const result = await run.result();
    span.end();
    return { runId: result.runId, traceId: span.spanContext().traceId };
  });
  const ofMap = lines.filter(({ message }) => String(message).includes('no such column'));
  expect(ofMap.length).toBeGreaterThan(0);
  for (const line of ofMap)
    expect(line).toMatchObject({ run: runId, account: 'c', sync: 'traced-odd', node: 'rows', trace: traceId });
});
