/** Refusals that say when to come again, under limits whose windows are longer than that. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  defineProvider,
  defineSync,
  get,
  hours,
  limited,
  noAuth,
  rules,
  status,
  when,
  window,
  type Provider,
} from '../../../providers/index.ts';
import { onListStage, type ListStage } from '../../setup/list-stage.ts';

function rowsOf(provider: Provider) {
  const rows = provider.endpoint('rows', {
    input: z.object({}),
    response: z.array(z.object({ id: z.number() })),
    request: () => get('/rows'),
    paginate: { kind: 'single', items: (all) => all },
  });
  return defineSync('rows', { provider, input: z.object({}) }, (s) => ({
    rows: s.one(rows, { input: () => ({}), key: ({ id }) => id }),
  }));
}

describe('a refusal that says when to come again, and that nothing is left', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));

  it.each([
    ['by usual headers', { 'retry-after': '1', 'x-ratelimit-limit': '100', 'x-ratelimit-remaining': '0' }],
    ['by a rule and `told`', { 'x-calls-left': '0' }],
  ])(
    'is waited for as long as it says, and not for all of the window: %s',
    async (_, headers) => {
      const { api, account, drive } = stage;
      let refusals = 1;
      api.route('GET', '/rows', () => (refusals-- > 0 ? { status: 429, headers, body: {} } : { body: [{ id: 1 }] }));
      const isOwn = 'x-calls-left' in headers;
      const told = (answer: { headers: Readonly<Record<string, string>> }) =>
        answer.headers['x-calls-left'] === undefined
          ? undefined
          : { remaining: Number(answer.headers['x-calls-left']) };
      const provider = defineProvider({
        id: isOwn ? 'own-headers' : 'usual-headers',
        baseUrl: () => api.url,
        auth: noAuth(),
        limits: [window('hour', { by: ['account'], max: 100, perMs: hours(1), ...(isOwn ? { told } : {}) })],
        ...(isOwn ? { classify: rules([when(status(429), limited({ afterMs: () => 1_000 }))]) } : {}),
      });
      const sync = rowsOf(provider);
      const began = performance.now();
      expect(await drive.run(sync, { account, input: {} })).toMatchObject({ complete: true, rows: 1, calls: 2 });
      expect(performance.now() - began).toBeGreaterThan(900);
    },
    30_000,
  );

  it('fails its list where a rule names a limit that nobody declared, which only its answer shows', async () => {
    const { api, account, drive } = stage;
    api.route('GET', '/rows', () => ({ status: 429, body: {} }));
    const provider = defineProvider({
      id: 'names-no-limit',
      baseUrl: () => api.url,
      auth: noAuth(),
      limits: [window('hour', { by: ['account'], max: 100, perMs: hours(1) })],
      // A name that a function makes is seen by nobody before.
      classify: rules([when(status(429), (answer) => limited({ limit: 'nope' })(answer))]),
    });
    const sync = rowsOf(provider);
    const result = await drive.run(sync, { account, input: {} });
    expect(result).toMatchObject({ state: 'failed', complete: false, calls: 1 });
    expect(result?.flaws[0]?.reason).toContain('a rule names the limit "nope"; the provider has hour');
  }, 30_000);
});
