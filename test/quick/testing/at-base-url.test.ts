import { expect, it } from 'vitest';
import { z } from 'zod';
import { bearer, defineProvider, defineSync, get, refreshable, type RefreshAnswer } from '../../../providers/index.ts';
import { syncAt } from '../../../testing/simulate/at-base-url.ts';
import { OF_REFRESH } from '../../setup/unsigned-request.ts';

it('a login of several calls goes to the other third party with each of them', () => {
  const ask = (step: number): RefreshAnswer =>
    step === 3
      ? { kind: 'refreshed', credentials: { accessToken: 'a' } }
      : { kind: 'ask', request: get(`https://login.example/step?n=${step}`), parse: () => ask(step + 1) };
  const auth = refreshable(bearer(), { request: () => get('https://login.example/step?n=0'), parse: () => ask(1) });
  const provider = defineProvider({ id: 'p', baseUrl: 'https://api.example', auth, limits: [] });
  const one = provider.endpoint('one', {
    input: z.object({}),
    response: z.object({ id: z.string() }),
    request: () => get('/'),
  });
  const sync = defineSync('s', { provider, input: z.object({}) }, (s) => ({
    one: s.one(one, { input: () => ({}), key: ({ id }) => id }),
  }));
  const { refresh } = syncAt(sync, 'http://127.0.0.1:1').definition.provider.auth;
  const answer = { status: 200, headers: {}, text: '{}', elapsedMs: 1 };
  const paths = [refresh?.request({}, OF_REFRESH)?.path];
  let told = refresh?.parse(answer, OF_REFRESH);
  for (; told?.kind === 'ask'; told = told.parse(answer)) paths.push(told.request.path);
  expect(paths).toEqual(['/step?n=0', '/step?n=1', '/step?n=2']);
  expect(told?.kind).toBe('refreshed');
});
