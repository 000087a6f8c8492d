import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { playCassette, recordCassette, startFakeApi, type FakeApi } from '../../../testing/index.ts';

let api: FakeApi;
beforeAll(async () => {
  api = await startFakeApi();
});
afterAll(() => api.stop());

/** As somebody writes it without the type checker. */
const loose = (options: object) => options as never;

describe('the fake third party refuses what it would not read, so that no test is green for nothing', () => {
  it.each<[string, () => unknown, string]>([
    ['a limit', () => api.limit(loose({ name: 'x', max: 5, per: 1_000 })), '`per` is 1000; it must be one of day'],
    ['a limit', () => api.limit(loose({ name: 'x', max: 5, by: 'tokn' })), '`by` is "tokn"; it must be one of app'],
    ['a limit', () => api.limit(loose({ name: 'x', max: '5' })), 'limit "x": `max` is "5"; it must be a number'],
    ['headers', () => api.limit(loose({ name: 'x', max: 5, headers: ['ietff'] })), '`headers` is ["ietff"]'],
    ['a list', () => api.list('/a', loose({ count: 5, row: () => ({}) })), 'list /a: unknown option `row`; known are'],
    ['rows', () => api.list('/a', loose({ items: [{ id: '1' }] })), '`items` is [{"id":"1"}]; it must be a function'],
    ['fields', () => api.list('/a', loose({ count: 5, fields: { rows: 'data' } })), 'fields: unknown option `rows`'],
    ['a kind', () => api.list('/a', loose({ count: 5, pagination: 'pages' })), '`pagination` is "pages"'],
    ['an action', () => api.action('POST', '/a', loose({ honorsKeys: false })), 'unknown option `honorsKeys`'],
    ['jobs', () => api.jobs('/j', loose({ asks: 3 })), 'jobs /j: unknown option `asks`'],
    ['tokens', () => api.oauth(loose({ lifeMs: 5 })), 'oauth: unknown option `lifeMs`; known are tokenPath'],
    ['an answer', () => api.oauth(loose({ tokenErrors: 'bearer' })), '`tokenErrors` is "bearer"; it must be one of'],
    ['a step', () => api.script('/a', loose(['ok', '503x'])), 'script: "503x" is no kind of failure'],
    ['chaos', () => api.chaos(loose({ rate: 0.1, kinds: ['rest'] })), 'chaos: "rest" is no kind of failure'],
    ['an outage', () => api.outage(loose({ duration: 5 })), 'outage: unknown option `duration`; known are kind'],
    [
      'numbers at run time',
      () => api.limit({ name: 'y', max: 5 }).set(loose({ maxx: 1 })),
      'limit "y": set: unknown option `maxx`',
    ],
    [
      'a cassette',
      () => playCassette(api, { version: 1, exchanges: [] } as never, loose({ ignoreQuery: [] })),
      'unknown option `ignoreQuery`',
    ],
    ['a file', () => api.file('/f', loose({ format: 'tsv', count: 1 })), '`format` is "tsv"; it must be one of csv'],
  ])('%s', (_, make, sentence) => {
    expect(make).toThrow(TypeError);
    expect(make).toThrow(sentence);
  });

  it('a recording, whose secrets would stay in it', async () => {
    const record = recordCassette(loose({ target: 'http://127.0.0.1:1', file: '/nowhere', secretName: /pin/ }));
    await expect(record).rejects.toThrow('recordCassette: unknown option `secretName`; known are target');
  });

  it('at its start, too', async () => {
    await expect(startFakeApi(loose({ latency: 5 }))).rejects.toThrow('startFakeApi: unknown option `latency`');
  });
});
