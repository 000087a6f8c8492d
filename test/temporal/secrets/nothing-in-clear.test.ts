/**
 * 200 random secrets, which a third party sends back in every usual spelling wherever it can: afterwards none of them is to be found in
 * tables, histories, logs or reports, in any spelling. The cassettes' part is in `test/quick/testing/cassette.test.ts`.
 */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { bearer, defineProvider, defineSync, get, post, window } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { allThatIsKept } from '../../setup/all-that-is-kept.ts';
import { TEST_KEYS } from '../../setup/programs/credential-worker.ts';
import { escapings } from '../../setup/escapings.ts';
import { createWorld, type World } from '../../setup/world.ts';

const ACCOUNTS = 20;
const SECRETS_EACH = 10;
const HOW = Object.keys(escapings);

/** Like those of real services: Base64 with its signs, some with a word before it. */
const draw = (at: number): string =>
  `${['', 'sk_live_', 'ya29.', 'xoxb-'][at % 4]}${randomBytes(15 + (at % 9)).toString('base64')}/+=`;

describe('200 random secrets', () => {
  let api: FakeApi;
  let world: World;
  const secretsOf = new Map<string, readonly string[]>();
  const log: string[] = [];
  const note = (fields: object, message: string) => void log.push(`${message} ${JSON.stringify(fields)}`);

  const provider = defineProvider({
    id: 'parrot',
    baseUrl: () => api.url,
    auth: bearer(),
    limits: [window('app', { by: ['app'], max: 10_000, perMs: 1_000 })],
    maxAttempts: 2,
  });
  const Row = z.object({ id: z.string(), echo: z.string() });
  const echoes = provider.endpoint('echoes', {
    input: z.object({ account: z.string(), fail: z.boolean() }),
    response: z.object({ items: z.array(Row) }),
    request: ({ account, fail }) => get(`/${fail ? 'refused' : 'echoes'}/${account}`),
    paginate: { kind: 'single', items: (page) => page.items },
  });
  const sync = defineSync(
    'parrot-echoes',
    { provider, input: z.object({ account: z.string(), fail: z.boolean() }) },
    (s) => ({
      list: s.one(echoes, { input: (input) => input, key: ({ id }) => id }),
    }),
  );
  const say = provider.action('say', {
    input: z.object({ account: z.string(), at: z.number() }),
    output: Row,
    request: ({ account, at }) => post(`/say/${account}/${at}`, {}),
  });

  const spelled = (secret: string, how: string): string => (escapings[how] as (token: string) => string)(secret);
  /** Inside a JSON text: as it is where that is JSON, so that the writer's own escapes are decoded by the parser. */
  const quoted = (text: string): string => {
    try {
      JSON.parse(`"${text}"`);
      return `"${text}"`;
    } catch {
      return JSON.stringify(text);
    }
  };
  const all = (account: string): { secret: string; how: string }[] =>
    (secretsOf.get(account) ?? []).flatMap((secret) => HOW.map((how) => ({ secret, how })));

  beforeAll(async () => {
    api = await startFakeApi();
    for (let at = 0; at < ACCOUNTS; at++)
      secretsOf.set(
        `acct${at}`,
        Array.from({ length: SECRETS_EACH }, (_, index) => draw(at * SECRETS_EACH + index)),
      );
    api.route('GET', '/echoes/:account', (_, params) => {
      const rows = all(params['account'] ?? '').map(
        ({ secret, how }, at) => `{"id":"r${at}","echo":${quoted(spelled(secret, how))}}`,
      );
      return { body: `{"items":[${rows.join(',')}]}`, headers: { 'content-type': 'application/json' } };
    });
    api.route('GET', '/refused/:account', (_, params) => {
      const [first, ...more] = (secretsOf.get(params['account'] ?? '') ?? []).map((secret, at) =>
        spelled(secret, HOW[at % HOW.length] as string),
      );
      return { status: 422, body: `bad token ${first}, ${more.slice(0, 2).join(' and ')} were tried` };
    });
    api.route('POST', '/say/:account/:at', (_, params) => {
      const { secret, how } = all(params['account'] ?? '')[Number(params['at'])] as { secret: string; how: string };
      if (Number(params['at']) % 2 === 0)
        return { status: 409, body: `{"error":{"message":${quoted(spelled(secret, how))}}}` };
      return { body: `{"id":"x","echo":${quoted(spelled(secret, how))}}` };
    });
    world = await createWorld([sync], {
      actions: [say],
      encryptionKeys: TEST_KEYS,
      log: { info: note, warn: note, error: note },
    });
  });
  afterAll(async () => {
    await world?.end();
    await api?.stop();
  });

  it('that come back in 16 spellings are in no table, history, log or report', async () => {
    const ids: string[] = [];
    await Promise.all(
      [...secretsOf].map(async ([account, secrets], index) => {
        const [accessToken = '', refreshToken = '', password = '', ...rest] = secrets;
        const extra = Object.fromEntries(rest.map((value, at) => [`k${at}`, value]));
        await world.sluice.accounts.connect({
          provider,
          account,
          credentials: { accessToken, refreshToken, password, extra },
        });
        const good = await world.sluice.start(sync, { account, input: { account, fail: false } });
        expect(await good.result()).toMatchObject({ state: 'done', rows: SECRETS_EACH * HOW.length });
        const bad = await world.sluice.start(sync, { account, input: { account, fail: true } });
        expect(await bad.result()).toMatchObject({ complete: false });
        ids.push(good.workflowId);
        for (const at of [index * 2, index * 2 + 1]) {
          const action = await world.sluice.act(say, { account, input: { account, at } });
          await action.result().catch((error: unknown) => log.push(String(error)));
          ids.push(action.workflowId);
        }
      }),
    );
    const places = (await allThatIsKept(world, ids)).set('log', log.join('\n'));
    // It was all really there to be found: the words around the secrets are.
    expect(places.get('sluice.record')).toContain('[removed]');
    expect(places.get('sluice.unit')).toMatch(/bad token \[removed\]/);
    const hits: string[] = [];
    for (const [place, text] of places)
      for (const [account] of secretsOf)
        for (const { secret, how } of all(account))
          if (text.includes(spelled(secret, how))) hits.push(`${place}: ${how}`);
    expect(hits).toEqual([]);
  });
});
