import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { ActionFailed } from '../../../client/index.ts';
import {
  bearer,
  CallFailed,
  defineProvider,
  del,
  get,
  noAuth,
  post,
  seconds,
  window,
} from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { createWorld, type World } from '../../setup/world.ts';

const SECRET = 'tok_4f9a8b7c6d5e4f3a2b1c';

describe('an action against a third party', () => {
  let api: FakeApi;
  let world: World;

  const provider = defineProvider({
    id: 'social',
    baseUrl: () => api.url,
    auth: bearer(),
    limits: [window('app', { by: ['app'], max: 1_000, perMs: seconds(1) })],
    timeouts: { totalMs: 3_000, headersMs: 2_000 },
    maxAttempts: 3,
  });
  const Post = z.object({ text: z.string() });
  const Created = z.object({ id: z.string() });
  /** The service knows nothing of keys; what was sent is found by the app's own id. */
  const looked = provider.action('looked', {
    input: Post,
    output: Created,
    request: ({ text }, { idempotencyKey }) => post('/posts', { text, clientId: idempotencyKey }),
    whenUnknown: {
      lookup: (_, { idempotencyKey }) => get('/posts', { clientId: idempotencyKey }),
      found: (answer) => z.object({ items: z.array(Created) }).parse(answer).items[0],
      afterMs: 300,
    },
    compensate: ({ id }) => del(`/posts/${id}`),
  });
  /** The service honours the key. */
  const keyed = provider.action('keyed', {
    input: Post,
    output: Created,
    request: ({ text }, { idempotencyKey }) => post('/keyed', { text }, { 'idempotency-key': idempotencyKey }),
    idempotent: true,
  });
  /** Neither: an unknown fate is for a person. */
  const bare = provider.action('bare', {
    input: Post,
    output: Created,
    request: ({ text }) => post('/bare', { text }),
  });

  /** What its look-up finds is not what an output is like, unless the schema makes it so. */
  const counted = provider.action('counted', {
    input: Post,
    output: z.object({ id: z.string().transform((id) => id.length) }),
    request: ({ text }, { idempotencyKey }) => post('/posts', { text, clientId: idempotencyKey }),
    whenUnknown: {
      lookup: (_, { idempotencyKey }) => get('/posts', { clientId: idempotencyKey }),
      found: (answer) => (answer as { items: { id: string }[] }).items[0],
      afterMs: 300,
    },
  });
  const misread = provider.action('misread', {
    input: Post,
    output: Created,
    request: ({ text }, { idempotencyKey }) => post('/posts', { text, clientId: idempotencyKey }),
    whenUnknown: {
      lookup: (_, { idempotencyKey }) => get('/posts', { clientId: idempotencyKey }),
      found: (answer) => ({ id: (answer as { items: unknown[] }).items.length }) as never,
      afterMs: 300,
    },
  });

  const broken = provider.action('broken', {
    input: Post,
    output: Created,
    request: () => {
      throw new Error('half \ud83d and\u0000 end');
    },
  });

  /** Of a service that is called without credentials. */
  const open = defineProvider({
    id: 'open',
    baseUrl: () => api.url,
    auth: noAuth(),
    limits: [window('app', { by: ['app'], max: 1_000, perMs: seconds(1) })],
  });
  const request = ({ text }: z.output<typeof Post>) => post('/keyed', { text });
  const anonymous = open.action('anonymous', { input: Post, output: Created, request });
  const byHand = open.action('byHand', {
    input: Post,
    output: Created,
    perform: () => Promise.reject(new CallFailed({ kind: 'refresh-auth', reason: 'who are you' })),
  });

  beforeAll(async () => {
    api = await startFakeApi();
    api.action('POST', '/posts', { honoursKeys: false, lookup: '/posts' });
    api.action('POST', '/keyed', {});
    api.action('POST', '/bare', { honoursKeys: false });
    world = await createWorld([], {
      actions: [looked, keyed, bare, counted, misread, broken, anonymous, byHand],
      credentials: { get: () => Promise.resolve({ accessToken: SECRET }) },
    });
  });
  afterAll(async () => {
    await world?.end();
    await api?.stop();
  });

  const reportOf = async (workflowId: string) => (await world.sluice.reports.list({ workflowId }))[0];
  const failureOf = (result: Promise<unknown>): Promise<ActionFailed> =>
    result.then(
      () => expect.unreachable('it should have failed'),
      (error: unknown) => {
        expect(error).toBeInstanceOf(ActionFailed);
        return error as ActionFailed;
      },
    );

  it('gives its typed result, and a report of who did what', async () => {
    const handle = await world.sluice.act(keyed, { account: 'a1', input: { text: 'hi' }, startedBy: 'user:7' });
    const result = await handle.result();
    expectTypeOf(result).toEqualTypeOf<{ id: string }>();
    expect(result.id).toMatch(/^keyed-/);
    expect(await handle.status()).toMatchObject({ state: 'done', calls: 1, error: null });
    await expect
      .poll(() => reportOf(handle.workflowId))
      .toMatchObject({
        kind: 'action',
        name: 'social/keyed',
        account: 'a1',
        startedBy: 'user:7',
        status: 'ok',
        attempts: 1,
        error: null,
        what: 'social/keyed',
      });
  });

  it('is one action for one key of the app, whoever asks how often', async () => {
    const options = { account: 'a2', input: { text: 'once' }, idempotencyKey: 'form-1' };
    const handles = await Promise.all(Array.from({ length: 5 }, () => world.sluice.act(looked, options)));
    const results = await Promise.all(handles.map((handle) => handle.result()));
    expect(new Set(results.map(({ id }) => id)).size).toBe(1);
    const later = await world.sluice.act(looked, options);
    expect(await later.result()).toEqual(results[0]);
    expect((await later.status())?.calls).toBe(1);
    expect(await world.sluice.reports.list({ workflowId: later.workflowId })).toHaveLength(1);
    await expect(world.sluice.act(looked, { ...options, input: { text: 'other' } })).rejects.toThrow(
      'was used for social/looked with another input',
    );
  });

  it('is accepted where the database goes away once Temporal has it, and nobody is told otherwise', async () => {
    await world.db.pool.query(`
      create function public.away() returns trigger language plpgsql as $$ begin raise 'away' using errcode = '57P01'; end $$;
      create trigger away before update on sluice.report for each row
        when (old.run_id is null and new.status = 'pending' and new.account = 'away') execute function public.away()`);
    try {
      const handle = await world.sluice.act(keyed, { account: 'away', input: { text: 'away' } });
      expect((await handle.result()).id).toMatch(/^keyed-/);
      await expect.poll(() => reportOf(handle.workflowId)).toMatchObject({ status: 'ok', attempts: 1 });
    } finally {
      await world.db.pool.query('drop trigger away on sluice.report; drop function public.away()');
    }
  });

  for (const kind of ['reset-after', '500-after', 'half-body', 'silent-after'] as const) {
    it(`is looked up and not repeated when the answer is lost after the write (${kind})`, async () => {
      const script = api.script('POST /posts', [kind]);
      const handle = await world.sluice.act(looked, { account: `lost-${kind}`, input: { text: kind } });
      const { id } = await handle.result();
      expect(id).toMatch(/^posts-/);
      expect(script.remaining()).toBe(0);
      expect(await handle.status()).toMatchObject({ state: 'done', calls: 2 });
      expect(api.report().created['POST /posts']?.duplicates).toBe(0);
    });
  }

  it('gives what a look-up finds through the schema of outputs, and leaves what does not fit to a person', async () => {
    api.script('POST /posts', ['reset-after']);
    const good = await world.sluice.act(counted, { account: 'found', input: { text: 'one' } });
    const output = await good.result();
    expectTypeOf(output).toEqualTypeOf<{ id: number }>();
    expect(output.id).toBeGreaterThan(5);
    api.script('POST /posts', ['reset-after']);
    const bad = await world.sluice.act(misread, { account: 'found', input: { text: 'two' } });
    const failure = await failureOf(bad.result());
    expect(failure.type).toBe('unknown-write');
    expect(failure.message).toContain(
      'what it found is no output of "social/misread": id: Invalid input: expected string, received number',
    );
    expect(await bad.status()).toMatchObject({ state: 'failed', calls: 2 });
  });

  it('is looked up and sent once more when the write had not arrived', async () => {
    api.script('POST /posts', ['reset']);
    const handle = await world.sluice.act(looked, { account: 'a3', input: { text: 'late' } });
    await handle.result();
    expect(await handle.status()).toMatchObject({ state: 'done', calls: 3 });
    expect(api.report().created['POST /posts']?.duplicates).toBe(0);
  });

  it('is repeated with the same key where the third party honours it', async () => {
    api.script('POST /keyed', ['reset-after', '503']);
    const handle = await world.sluice.act(keyed, { account: 'a4', input: { text: 'twice sent' } });
    await handle.result();
    expect(await handle.status()).toMatchObject({ state: 'done', calls: 3 });
    expect(api.report().created['POST /keyed']).toMatchObject({ duplicates: 0 });
  });

  it('ends as unknown-write for a person to decide when it can be neither looked up nor repeated', async () => {
    api.script('POST /bare', ['reset-after']);
    const handle = await world.sluice.act(bare, { account: 'a5', input: { text: 'who knows' }, idempotencyKey: 'k' });
    const failure = await failureOf(handle.result());
    expect(failure.type).toBe('unknown-write');
    expect(await handle.status()).toMatchObject({ state: 'failed', calls: 1, errorType: 'unknown-write' });
    await expect
      .poll(() => reportOf(handle.workflowId))
      .toMatchObject({
        status: 'failed',
        errorType: 'unknown-write',
        attempts: 1,
      });
    // Asking again with the same key sends nothing.
    const again = await world.sluice.act(bare, { account: 'a5', input: { text: 'who knows' }, idempotencyKey: 'k' });
    expect((await failureOf(again.result())).type).toBe('unknown-write');
    expect(api.report().created['POST /bare']?.objects).toBe(1);
  });

  describe('left as unknown-write', () => {
    const leaveUnknown = async (account: string) => {
      api.script('POST /bare', ['reset-after']);
      const handle = await world.sluice.act(bare, { account, input: { text: account }, startedBy: 'user:7' });
      expect((await failureOf(handle.result())).type).toBe('unknown-write');
      // As after a restart of the app: nothing is known but its id.
      return world.sluice.action({ workflowId: handle.workflowId, action: bare });
    };
    const written = () => api.report().created['POST /bare']?.objects ?? 0;

    it('is done when a person says that it happened, and nothing is sent', async () => {
      const handle = await leaveUnknown('r1');
      const before = written();
      await handle.resolve({ happened: true, output: { id: 'bare-found' }, by: 'user:9' });
      const output = await handle.result();
      expectTypeOf(output).toEqualTypeOf<{ id: string }>();
      expect(output).toEqual({ id: 'bare-found' });
      expect(await handle.status()).toMatchObject({ state: 'done', errorType: null, resolvedBy: 'user:9', calls: 1 });
      expect(await world.sluice.reports.list({ workflowId: handle.workflowId })).toMatchObject([
        { status: 'ok', error: null, startedBy: 'user:7' },
      ]);
      expect(written()).toBe(before);
      await expect(handle.resolve({ happened: false })).rejects.toThrow('has nothing to resolve');
    });

    it('is sent once more when a person says that it did not happen, by one of two who say so', async () => {
      const handle = await leaveUnknown('r2');
      const before = written();
      const deciding = [1, 2].map((user) => handle.resolve({ happened: false, by: `user:${user}` }));
      const ends = (await Promise.allSettled(deciding)).map(({ status }) => status);
      expect(ends.toSorted()).toEqual(['fulfilled', 'rejected']);
      expect((await handle.result()).id).toMatch(/^bare-/);
      expect(await handle.status()).toMatchObject({ state: 'done', calls: 2 });
      expect(written()).toBe(before + 1);
      await expect
        .poll(async () => (await world.sluice.reports.list({ account: 'r2' })).map(({ status }) => status))
        .toEqual(['failed', 'ok']);
    });

    it('is for a person once more when it was sent again and its fate is unknown again: nobody has decided on that', async () => {
      const handle = await leaveUnknown('r5');
      api.script('POST /bare', ['reset-after']);
      await handle.resolve({ happened: false, by: 'user:9' });
      expect((await failureOf(handle.result())).type).toBe('unknown-write');
      expect(await handle.status()).toMatchObject({ errorType: 'unknown-write', calls: 2, resolvedBy: null });
      const before = written();
      await expect(handle.sendAgain()).rejects.toThrow('nobody knows whether it has happened');
      await handle.resolve({ happened: true, output: { id: 'bare-found' }, by: 'user:10' });
      expect(await handle.status()).toMatchObject({ state: 'done', resolvedBy: 'user:10' });
      expect(written()).toBe(before);
    });

    it('is done with the text of a date, where its schema wants a `Date`', async () => {
      const handle = await leaveUnknown('r4');
      const output = z.object({ id: z.string(), at: z.date(), days: z.array(z.date()) });
      const dated = provider.action('bare', {
        input: z.object({ text: z.string() }),
        output,
        request: () => post('/bare'),
      });
      const of = world.sluice.action({ workflowId: handle.workflowId, action: dated });
      const happened = { id: 'x', at: '2026-01-02T03:04:05.000Z', days: ['2026-01-02'] };
      await expect(of.resolve({ happened: true, output: { ...happened, at: 'soon' } })).rejects.toThrow();
      await of.resolve({ happened: true, output: happened });
      expect(await of.result()).toEqual({ ...happened, days: ['2026-01-02T00:00:00.000Z'] });
    });

    it('is resolved by nothing that does not fit', async () => {
      const handle = await leaveUnknown('r3');
      const { workflowId } = handle;
      await expect(handle.resolve({ happened: true, output: { id: 7 } as never })).rejects.toThrow();
      await expect(handle.resolve({ happened: false, by: 'me' as never })).rejects.toThrow(TypeError);
      await expect(world.sluice.action({ workflowId }).resolve({ happened: false })).rejects.toThrow(
        'does not know its action',
      );
      await expect(world.sluice.action({ workflowId, action: keyed }).resolve({ happened: false })).rejects.toThrow(
        'is a social/bare, not a social/keyed',
      );
      expect(await handle.status()).toMatchObject({ state: 'failed', errorType: 'unknown-write', resolvedBy: null });
      const done = await world.sluice.act(keyed, { account: 'r3', input: { text: 'fine' } });
      await done.result();
      await expect(done.resolve({ happened: false })).rejects.toThrow('has nothing to resolve');
    });
  });

  it('waits out a limit without spending an attempt', async () => {
    api.script('POST /keyed', [
      { status: 429, headers: { 'retry-after': '1' }, body: {} },
      { status: 429, headers: { 'retry-after': '1' }, body: {} },
      { status: 429, headers: { 'retry-after': '1' }, body: {} },
      { status: 429, headers: { 'retry-after': '1' }, body: {} },
    ]);
    const handle = await world.sluice.act(keyed, { account: 'a6', input: { text: 'slow down' } });
    await handle.result();
    expect(await handle.status()).toMatchObject({ state: 'done', calls: 5 });
  });

  it('says who must act when it is refused, may be asked for again, and never shows the token', async () => {
    api.script('POST /keyed', [{ status: 403, body: { error: `Bearer ${SECRET} may not post (token=${SECRET})` } }]);
    const options = { account: 'a7', input: { text: 'no' }, idempotencyKey: 'k7', startedBy: 'user:9' } as const;
    const handle = await world.sluice.act(keyed, options);
    const failure = await failureOf(handle.result());
    expect(failure).toMatchObject({ type: 'auth' });
    expect(failure.message).toContain('HTTP 403');
    await expect.poll(() => reportOf(handle.workflowId)).toMatchObject({ status: 'failed', startedBy: 'user:9' });
    const { rows } = await world.db.pool.query('select r::text as r from sluice.report r');
    expect(rows.some(({ r }: { r: string }) => r.includes(SECRET))).toBe(false);
    expect(rows.some(({ r }: { r: string }) => r.includes('[removed]'))).toBe(true);
    const again = await world.sluice.act(keyed, options);
    expect((await again.result()).id).toMatch(/^keyed-/);
    expect((await world.sluice.reports.list({ account: 'a7' })).map(({ status }) => status)).toEqual(['failed', 'ok']);
  });

  it('is done when it is asked for again while the workflow in which it has failed is about to end', async () => {
    api.script('POST /keyed', [{ status: 422, body: {} }]);
    const options = { account: 'a16', input: { text: 'again' }, idempotencyKey: 'k16' };
    const holder = await world.db.pool.connect();
    try {
      const handle = await world.sluice.act(keyed, { ...options, startedBy: 'user:9' });
      // The last step of its workflow waits for this.
      await holder.query('begin');
      await holder.query('select from sluice.report where workflow_id = $1 for update', [handle.workflowId]);
      await expect.poll(async () => (await handle.status())?.state).toBe('failed');
      const asking = world.sluice.act(keyed, options);
      await Promise.race([asking, new Promise((resolve) => setTimeout(resolve, 500))]);
      await holder.query('rollback');
      expect((await (await asking).result()).id).toMatch(/^keyed-/);
    } finally {
      holder.release();
    }
    const ends = async () => (await world.sluice.reports.list({ account: 'a16' })).map(({ status }) => status);
    await expect.poll(ends).toEqual(['failed', 'ok']);
  });

  it('fails as wrongly set up when credentials are wanted of a provider that has none', async () => {
    api.script('POST /keyed', ['401']);
    for (const action of [anonymous, byHand]) {
      const handle = await world.sluice.act(action, { account: 'a11', input: { text: 'hi' } });
      const failure = await failureOf(handle.result());
      expect(failure.type).toBe('config');
      expect(failure.message).toContain('provider "open" has noAuth(), so there is nothing to refresh');
    }
    expect(await world.sluice.accounts.list()).toEqual([]);
  });

  it('leaves neither input, output nor token in Temporal’s history', async () => {
    api.script('POST /keyed', [{ status: 503, body: { error: `token ${SECRET}` } }]);
    const handle = await world.sluice.act(keyed, { account: 'a10', input: { text: 'a private matter' } });
    const { id } = await handle.result();
    const history = await world.temporal.workflow.getHandle(handle.workflowId).fetchHistory();
    const text = JSON.stringify(history, (_, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : value,
    );
    expect(text).toContain('social/keyed');
    for (const secret of [SECRET, 'a private matter', id]) expect(text).not.toContain(secret);
  });

  it('gives up when its budget of real attempts is spent', async () => {
    const script = api.script('POST /keyed', [{ status: 425, body: { error: 'too early' } }], { repeats: true });
    const handle = await world.sluice.act(keyed, { account: 'a8', input: { text: 'down' } });
    expect((await failureOf(handle.result())).type).toBe('attempts-spent');
    script.stop();
    expect(await handle.status()).toMatchObject({ state: 'failed', calls: 3 });
  });

  it('is asked for again where its key is honoured, after attempts that may have arrived', async () => {
    const script = api.script('POST /keyed', ['500-after', '503', '503']);
    const options = { account: 'a12', input: { text: 'flaky' }, idempotencyKey: 'k12' } as const;
    const handle = await world.sluice.act(keyed, options);
    expect((await failureOf(handle.result())).type).toBe('unknown-write');
    expect(script.remaining()).toBe(0);
    expect(await handle.status()).toMatchObject({ state: 'failed', calls: 3 });
    const again = await world.sluice.act(keyed, options);
    expect((await again.result()).id).toMatch(/^keyed-/);
    expect(api.report().created['POST /keyed']?.duplicates).toBe(0);
    expect((await world.sluice.reports.list({ account: 'a12' })).map(({ status }) => status)).toEqual(['failed', 'ok']);
  });

  it('is not accepted with an input that can’t be stored, and says so', async () => {
    for (const text of ['a\u0000b', 'half an emoji \ud83d'])
      await expect(world.sluice.act(keyed, { account: 'a13', input: { text } })).rejects.toThrow(
        /It can't be stored: /,
      );
    expect(await world.sluice.reports.list({ account: 'a13' })).toEqual([]);
  });

  it('is not accepted with an input that its schema makes anew each time: each attempt would be another write', async () => {
    const drawn = provider.action('drawn', {
      input: z.object({ text: z.string(), ref: z.string().default(() => crypto.randomUUID()) }),
      output: Created,
      request: (input) => post('/posts', input),
      whenUnknown: { lookup: ({ ref }) => get('/posts', { clientId: ref }), found: () => undefined },
    });
    const start = { account: 'a15', input: { text: 'x' } };
    await expect(world.sluice.act(drawn, start)).rejects.toThrow(
      /^The input of action "social\/drawn" is another one each time .* Give that value in the input, or use `context\.idempotencyKey`/,
    );
    expect(await world.sluice.reports.list({ account: 'a15' })).toEqual([]);
  });

  it('fails with its sentence when its own function throws text that no wire takes', async () => {
    const handle = await world.sluice.act(broken, { account: 'a14', input: { text: 'x' } });
    const failure = await failureOf(handle.result());
    expect(failure).toMatchObject({ type: 'bug' });
    expect(failure.message).toContain('half \ufffd and\ufffd end');
    await expect.poll(() => reportOf(handle.workflowId)).toMatchObject({ status: 'failed', errorType: 'bug' });
  });

  it('keeps clean what it was answered, and is done, and done once', async () => {
    const text = 'a\u0000b \ud83d';
    api.script('POST /bare', [{ status: 201, body: JSON.stringify({ id: text }) }]);
    const handle = await world.sluice.act(bare, { account: 'a15', input: { text: 'odd' } });
    expect(await handle.result()).toEqual({ id: 'a\ufffdb \ufffd' });
    expect(await handle.status()).toMatchObject({ state: 'done', calls: 1 });
  });

  it('is not sent when it is cancelled in time', async () => {
    const before = api.report().calls;
    const pausing = api.script('POST /keyed', [{ status: 429, headers: { 'retry-after': '30' }, body: {} }]);
    const handle = await world.sluice.act(keyed, { account: 'a9', input: { text: 'never mind' } });
    await expect.poll(() => pausing.remaining()).toBe(0);
    await expect
      .poll(() => handle.waits(), { timeout: 5_000 })
      .toMatchObject([
        { kind: 'limit', calls: 1, text: expect.stringMatching(/^action\/.*429.*next attempt in \d+ s$/) },
      ]);
    await handle.cancel();
    expect((await failureOf(handle.result())).type).toBe('cancelled');
    expect(await handle.waits()).toEqual([]);
    expect(await world.sluice.action({ workflowId: 'action/nobody' }).waits()).toEqual([]);
    expect(api.report().calls - before).toBe(1);
    await expect.poll(() => reportOf(handle.workflowId)).toMatchObject({ status: 'cancelled', errorType: 'cancelled' });
  });
});
