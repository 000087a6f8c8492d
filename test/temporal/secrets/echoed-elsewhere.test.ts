/**
 * Secrets that a third party sends back where rows are not: with jobs and their files, in names of files, in redirects, with refusals. Afterwards
 * none of them is in tables, histories, logs, alerts or explanations, in any spelling.
 */
import { randomBytes } from 'node:crypto';
import { text as readText } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { SyncHandle } from '../../../client/index.ts';
import { bearer, defineProvider, defineSync, get, path, post, storedFile, window } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { allThatIsKept } from '../../setup/all-that-is-kept.ts';
import { TEST_KEYS } from '../../setup/programs/credential-worker.ts';
import { escapings } from '../../setup/escapings.ts';
import { createWorld, type World } from '../../setup/world.ts';
import { zipOf } from '../../setup/zip-of.ts';

const ACCOUNTS = 4;
const SECRETS_EACH = 10;
const HOW = Object.keys(escapings);

const draw = (at: number): string =>
  `${['', 'sk_live_', 'ya29.', 'xoxb-'][at % 4]}${randomBytes(15 + (at % 9)).toString('base64')}/+=`;
const spelled = (secret: string, how: string): string => (escapings[how] as (token: string) => string)(secret);

describe('secrets that come back elsewhere than in rows', () => {
  let api: FakeApi;
  let world: World;
  const secretsOf = new Map<string, readonly string[]>();
  const all = (account: string): { secret: string; how: string }[] =>
    (secretsOf.get(account) ?? []).flatMap((secret) => HOW.map((how) => ({ secret, how })));
  const told: string[] = [];
  const note = (fields: object, message: string) => void told.push(`${message} ${JSON.stringify(fields)}`);

  const Input = z.object({ account: z.string() });
  const Row = z.object({ id: z.string(), echo: z.string().optional(), from: z.string().optional() });
  const providerOf = (id: string) =>
    defineProvider({
      id,
      baseUrl: () => api.url,
      auth: bearer(),
      limits: [window('app', { by: ['account'], max: 10_000, perMs: 1_000 })],
      maxAttempts: 2,
    });
  const jobOf = (kind: string) => ({
    submitted: z.object({ id: z.string() }),
    polled: z.object({
      state: z.enum(['running', 'done', 'failed']),
      why: z.string().optional(),
      results: z.array(z.string()).optional(),
    }),
    submit: ({ account }: { account: string }) => post(path`/jobs/${kind}/${account}`, {}),
    id: ({ id }: { id: string }) => id,
    poll: (id: string) => get('/polled', { id }),
    state: ({
      state,
      why,
      results,
    }: {
      state: 'running' | 'done' | 'failed';
      why?: string | undefined;
      results?: string[] | undefined;
    }) => ({ state, reason: why, results }),
    pollMs: { first: 20, most: 100 },
    maxJobs: 1,
  });
  const provider = providerOf('echoing');
  const files = provider.endpoint('files', {
    input: Input,
    response: z.array(Row),
    job: jobOf('good'),
    request: (_, page) => get(page.job.result),
    format: 'csv',
    paginate: { kind: 'single', items: (rows, { file }) => rows.map((row) => ({ ...row, from: file })) },
  });
  const lines = provider.endpoint('lines', {
    input: Input,
    response: z.array(Row),
    request: ({ account }) => get(path`/lines/${account}`),
    format: 'ndjson',
    paginate: { kind: 'single', items: (rows) => rows },
  });
  const failing = provider.endpoint('failing', {
    input: Input,
    response: z.array(Row),
    job: jobOf('bad'),
    request: (_, page) => get(page.job.result),
    paginate: { kind: 'single', items: (rows) => rows },
  });
  const led = provider.endpoint('led', {
    input: Input,
    response: z.array(Row),
    request: ({ account }) => get(path`/led/${account}`),
    paginate: {
      kind: 'single',
      items: (rows, { headers, url }) => rows.map((row) => ({ ...row, echo: `${headers['x-echo']} ${url}` })),
    },
  });
  const kept = provider.endpoint('kept', {
    input: Input,
    response: storedFile,
    request: ({ account }) => get(path`/kept/${account}`),
    format: { kind: 'file', into: (content) => readText(content).then(() => 'kept') },
  });
  const limited = providerOf('limiting');
  const blocked = limited.endpoint('blocked', {
    input: Input,
    response: z.array(Row),
    request: ({ account }) => get(path`/limited/${account}`),
    paginate: { kind: 'single', items: (rows) => rows },
  });
  const refusing = providerOf('refusing');
  const refused = refusing.endpoint('refused', {
    input: Input,
    response: z.array(Row),
    request: ({ account }) => get(path`/refused/${account}`),
    paginate: { kind: 'single', items: (rows) => rows },
  });
  const syncs = [files, lines, failing, led, kept, blocked, refused].map((endpoint) =>
    defineSync(`s-${endpoint.name}`, { provider: endpoint.provider, input: Input }, (s) => ({
      list: s.one(
        endpoint as never,
        {
          input: (input: object) => input,
          key: (row: { id?: string; sha256?: string }) => row.id ?? row.sha256 ?? '',
        } as never,
      ),
    })),
  );

  beforeAll(async () => {
    api = await startFakeApi();
    for (let at = 0; at < ACCOUNTS; at++)
      secretsOf.set(
        `acct${at}`,
        Array.from({ length: SECRETS_EACH }, (_, index) => draw(at * SECRETS_EACH + index)),
      );
    const words = (account: string, every = 7): string =>
      all(account)
        .filter((_, at) => at % every === 0)
        .map(({ secret, how }) => spelled(secret, how))
        .join(' and ');
    const csv = (value: string): string => `"${value.replaceAll('"', '""')}"`;
    const rows = (account: string) =>
      all(account).map(({ secret, how }, at) => ({ id: `r${at}`, echo: spelled(secret, how) }));
    /** What the file's name may hold, and an address. */
    const token = (account: string): string => (secretsOf.get(account)?.[0] ?? '').replaceAll(/[/+=]/g, '_');
    api.route('POST', '/jobs/:kind/:account', (_, { kind, account }) => ({
      body: { id: `${kind}.${account}.${secretsOf.get(account)?.[1]}`, note: words(account) },
    }));
    api.route('GET', '/polled', ({ query }) => {
      const [kind, account = ''] = (query.get('id') ?? '').split('.');
      return kind === 'good'
        ? {
            body: {
              state: 'done',
              results: [`${api.url}/zip/${account}?sig=${encodeURIComponent(secretsOf.get(account)?.[2] ?? '')}`],
              why: words(account),
            },
          }
        : { body: { state: 'failed', why: `it broke at ${words(account)}` } };
    });
    api.route('GET', '/zip/:account', (_, { account }) => {
      const table = ['id,echo', ...rows(account).map(({ id, echo }) => `${id},${csv(echo)}`)].join('\n');
      return { body: zipOf({ [`rows-${secretsOf.get(account)?.[3]?.replaceAll('/', '_')}.csv`]: `${table}\n` }) };
    });
    api.route('GET', '/lines/:account', (_, { account }) => {
      // Some pieces of a megabyte.
      const padding = 'x'.repeat(20_000);
      return {
        body: `${rows(account)
          .map((row) => JSON.stringify({ ...row, padding }))
          .join('\n')}\n`,
        headers: { 'content-type': 'application/x-ndjson' },
      };
    });
    api.route('GET', '/led/:account', ({ query }, { account }) =>
      query.has('t')
        ? { body: [{ id: 'x' }], headers: { 'x-echo': encodeURI(words(account, 3)) } }
        : {
            status: 302,
            body: words(account),
            headers: { location: `/led/${account}?t=${encodeURIComponent(secretsOf.get(account)?.[4] ?? '')}` },
          },
    );
    api.route('GET', '/kept/:account', (_, { account }) => ({
      body: Buffer.from(words(account)),
      headers: {
        'content-type': 'application/octet-stream',
        'content-disposition': `attachment; filename="a-${token(account)}.bin"; filename*=UTF-8''b-${encodeURIComponent(secretsOf.get(account)?.[5] ?? '')}.bin`,
      },
    }));
    api.route('GET', '/limited/:account', (_, { account }) => ({
      status: 429,
      headers: { 'retry-after': '600' },
      body: `too many by ${words(account)}`,
    }));
    api.route('GET', '/refused/:account', (_, { account }) => ({
      status: 401,
      body: { error: 'invalid_token', error_description: `no such ${words(account, 5)}` },
    }));
    world = await createWorld(syncs, {
      encryptionKeys: TEST_KEYS,
      log: { info: note, warn: note, error: note },
      alerts: { lookEveryMs: 300, failingAfterMs: 200, blockedAfterMs: 1_000 },
      onAlert: (event) => void told.push(JSON.stringify(event)),
    });
  });
  afterAll(async () => {
    await world?.end();
    await api?.stop();
  });

  it('are in no table, history, log, alert, report or explanation', async () => {
    const ids: string[] = [];
    const ends = new Map<string, string>();
    await Promise.all(
      [...secretsOf].map(async ([account, secrets]) => {
        const [accessToken = '', refreshToken = '', password = '', ...rest] = secrets;
        const extra = Object.fromEntries(rest.map((value, at) => [`k${at}`, value]));
        for (const id of ['echoing', 'limiting', 'refusing'])
          await world.sluice.accounts.connect({
            provider: id,
            account,
            credentials: { accessToken, refreshToken, password, extra },
          });
        const open: SyncHandle[] = [];
        for (const sync of syncs) {
          const name = sync.definition.name;
          const run = await world.sluice.start(sync, { account, input: { account } });
          ids.push(run.workflowId);
          if (name === 's-blocked' || name === 's-refused') open.push(run);
          else {
            const { state, flaws, rows } = await run.result();
            ends.set(name, `${state} ${rows} ${flaws[0]?.reason ?? ''}`);
          }
        }
        for (const run of open) {
          await expect.poll(async () => (await run.waits()).length, { timeout: 60_000 }).toBeGreaterThan(0);
          told.push(JSON.stringify([await run.explain(), await run.waits(), await run.progress()]));
        }
        told.push(JSON.stringify(await world.sluice.accounts.show({ account })));
      }),
    );
    await expect
      .poll(async () => new Set((await world.sluice.alerts.list()).map(({ kind }) => kind)), { timeout: 60_000 })
      .toContain('needs-reconnect');
    await expect
      .poll(async () => new Set((await world.sluice.alerts.list()).map(({ kind }) => kind)), { timeout: 60_000 })
      .toContain('blocked');
    const limits = await world.sluice.limits.list({ prefix: 'limiting' });
    told.push(JSON.stringify([await world.sluice.alerts.list(), await world.sluice.reports.list(), limits]));
    expect(Object.fromEntries(ends)).toEqual({
      's-files': expect.stringMatching(/^done 160 /) as string,
      's-lines': expect.stringMatching(/^done 160 /) as string,
      's-failing': expect.stringMatching(/^failed 0 .*it broke at \[removed\]/) as string,
      's-led': expect.stringMatching(/^done 1 /) as string,
      's-kept': expect.stringMatching(/^done 1 /) as string,
    });
    const places = (await allThatIsKept(world, ids)).set('told', told.join('\n'));
    expect(/rows-\[removed\]/.test(places.get('sluice.record') ?? '')).toBe(true);
    expect(/too many by \[removed\]/.test(places.get('told') ?? '')).toBe(true);
    const hits = new Set<string>();
    for (const [place, text] of places)
      for (const [account] of secretsOf)
        for (const { secret, how } of all(account))
          if (text.includes(spelled(secret, how))) {
            const at = text.indexOf(spelled(secret, how));
            hits.add(`${place}: ${how}: …${text.slice(Math.max(0, at - 60), at)}`);
          }
    expect([...hits].slice(0, 20)).toEqual([]);
  });
});
