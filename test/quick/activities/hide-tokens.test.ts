import { describe, expect, it } from 'vitest';
import { buildRequest } from '../../../activities/http/build-request.ts';
import { hideTokens } from '../../../activities/http/hide-tokens.ts';
import type { Answer } from '../../../contracts/answer.ts';
import { apiKey, bearer } from '../../../providers/index.ts';

const accessToken = 'id|secret/with+signs==0123';
const credentials = { accessToken, refreshToken: 'rt_0123456789abcdef', password: 'hunter2' };
const answer = (text: string, headers: Record<string, string> = {}): Answer => ({
  status: 200,
  headers,
  text,
  elapsedMs: 1,
});

describe('tokens in what a third party sends back', () => {
  it('are gone from bodies and headers, however they are spelled', () => {
    const next = `https://api.example/me?access_token=${encodeURIComponent(accessToken)}&after=7`;
    const clean = hideTokens(
      answer(JSON.stringify({ next, error: `bad token ${accessToken}`, again: 'rt_0123456789abcdef' }), {
        link: `<${next}>; rel="next"`,
      }),
      credentials,
    );
    const all =
      JSON.stringify(clean) + JSON.stringify(hideTokens(answer(`{"t":"id|secret\\/with+signs==0123"}`), credentials));
    expect(all).not.toMatch(/secret|rt_0123/);
    expect(JSON.parse(clean.text)).toMatchObject({ next: 'https://api.example/me?access_token=[removed]&after=7' });
  });

  it('leave all other text as it was, short values too', () => {
    const same = answer('{"a":"hunter2 short"}');
    expect(hideTokens(same, credentials)).toEqual(same);
    expect(hideTokens(same, { accessToken: 'short' })).toEqual(same);
    expect(hideTokens(same, undefined)).toBe(same);
  });

  it('are sent anew, or not at all, when a next link had one', () => {
    const spec = { method: 'GET', path: 'https://api.example/v1/me?access_token=[removed]&after=7' } as const;
    const byQuery = buildRequest(
      spec,
      'https://api.example/v1',
      apiKey({ query: 'access_token' }).apply({ accessToken: 'new' }),
      {},
    );
    expect(byQuery.url).toBe('https://api.example/v1/me?after=7&access_token=new');
    const byHeader = buildRequest(spec, 'https://api.example/v1', bearer().apply({ accessToken: 'new' }), {});
    expect(byHeader.url).toBe('https://api.example/v1/me?after=7');
  });
});
