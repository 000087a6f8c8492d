import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { act } from '../../../client/action/act.ts';
import { bearer, defineProvider, defineSaga, noAuth, oauth2, post, refreshable } from '../../../providers/index.ts';
import { checkConnect, checkSettings, type ToConnect } from '../../../client/account/check-connect.ts';
import { SettingsMistake } from '../../../contracts/account.ts';
import { checkCredentials } from '../../../client/account/check-credentials.ts';
import { checkNode, checkOptions, checkRunOf } from '../../../client/options/check-options.ts';
import { checkConnectOptions, knowingOptions } from '../../../client/options/known-options.ts';
import { createSchedules } from '../../../client/schedules/schedules.ts';
import { createOperations } from '../../../limiter/admin/operations.ts';
import { readPace } from '../../../db/stores/operate/pace-store.ts';
import { listAccounts, listAlerts, listReports, listRuns, readFlawedLists, type Pool } from '../../../db/index.ts';
import { createDashboard } from '../../../dashboard/index.ts';
import type { Sluice } from '../../../client/index.ts';
import { checkWorkerOptions } from '../../../workers/known-options.ts';

const fine = { account: 'a', startedBy: 'system', priority: 'bulk', weight: 1 };

describe('options of start and act', () => {
  it('may be all that is documented', () => {
    for (const priority of ['interactive', 'bulk', 'background'])
      for (const mode of ['incremental', 'full', undefined]) checkOptions({ ...fine, priority, mode }, {}, {});
    checkOptions({ ...fine, startedBy: 'user:7', weight: 0.001, giveUpAfterMs: 1_000 }, {}, {});
  });

  it('that are wrong are named in one message, with what was wanted', () => {
    const all = { account: 'a/b', startedBy: 'me', priority: 'high', weight: 0, mode: 'everything', giveUpAfterMs: 5 };
    expect(() => checkOptions(all, {}, {})).toThrow(
      new TypeError(
        [
          '`account` is "a/b"; it must be a name without "/".',
          '`startedBy` is "me"; it must be "user:<id>" or "system".',
          '`priority` is "high"; it must be "interactive", "bulk" or "background".',
          '`weight` is 0; it must be 0.001 to 1,000.',
          '`mode` is "everything"; it must be "incremental" or "full".',
          '`giveUpAfterMs` is 5; it must be 1,000 or more.',
        ].join('\n'),
      ),
    );
  });

  it.each([Number.NaN, Infinity, -1])('a weight of %s is refused', (weight) => {
    expect(() => checkOptions({ ...fine, weight }, {}, {})).toThrow(/weight/);
  });

  it('a name that every object has is not a priority', () => {
    expect(() => checkOptions({ ...fine, priority: 'constructor' }, {}, {})).toThrow(/priority/);
  });
});

describe('what is started', () => {
  const parts = { startedBy: 'system' } as Parameters<typeof act>[0];
  const provider = defineProvider({ id: 'social', baseUrl: 'https://x.example', auth: noAuth(), limits: [] });
  const create = provider.action('create', {
    input: z.object({}),
    output: z.null(),
    request: () => post('/posts', {}),
  });

  it.each([null, 5, {}])('is not started under a key that is %o: it would be another one each time', async (key) => {
    const options = { account: 'a', input: {}, idempotencyKey: key as unknown as string };
    await expect(act(parts, create, options)).rejects.toThrow(/^`idempotencyKey` is .*; it must be a text\.$/);
  });

  it('must be an action, for `act`', async () => {
    await expect(act(parts, {} as typeof create, { account: 'a', input: {} })).rejects.toThrow(
      '`act` takes what `provider.action(…)` returns; it was given something else.',
    );
  });

  it.each<[given: unknown, what: string]>([
    ['create', 'a string.'],
    [null, 'null.'],
    [[create], 'a list.'],
    [Promise.resolve(create), 'a promise; is an `await` missing?'],
    [defineSaga('one', { input: z.object({}) }).step('a', create, () => ({})), 'a saga.'],
  ])('is told for what it is: %#', async (given, what) => {
    await expect(act(parts, given as typeof create, { account: 'a', input: {} })).rejects.toThrow(
      `\`act\` takes what \`provider.action(…)\` returns; it was given ${what}`,
    );
  });
});

describe('options that nobody reads', () => {
  const asked: unknown[] = [];
  const answer = async (...given: unknown[]) => asked.push(...given);
  const client = knowingOptions({
    reports: { list: answer },
    state: { reset: answer },
    limits: { list: answer, override: answer },
    records: function* (...given: unknown[]) {
      yield given;
    },
  });

  it('are refused by what lists, reads and resets, which has then done nothing', async () => {
    await expect(client.reports.list({ acount: 'a' })).rejects.toThrow(
      /^reports.list: unknown option `acount`; known are/,
    );
    await expect(client.state.reset({ account: 'a', snyc: 'x' }, {})).rejects.toThrow('unknown option `snyc`');
    await expect(client.state.reset({ account: 'a' }, { forgetRows: true })).rejects.toThrow(
      'unknown option `forgetRows`',
    );
    expect(() => client.records({}, { account: 'a', afer: '1' })).toThrow('unknown option `afer`');
    await expect(client.limits.list({ prefx: 'a/' })).rejects.toThrow('limits.list: unknown option `prefx`');
    await expect(client.limits.override('a/b/c', { maxx: 1 })).rejects.toThrow(
      'limits.override: unknown option `maxx`',
    );
    expect(asked).toEqual([]);
    await client.state.reset({ account: 'a', sync: 'x', node: 'y', parentKey: '' });
    await client.reports.list();
    expect([...client.records({}, { account: 'a', after: '1' })]).toHaveLength(1);
    expect(asked).toHaveLength(1);
  });

  it.each<[unknown, string]>([
    [null, 'null.'],
    [50, 'a number.'],
    // `connect(process.env.DATABASE_URL)` would write its password to the log.
    ['postgresql://me:secret@db/app', 'a string.'],
    [[50], 'a list.'],
    [() => ({ max: 50 }), 'a function.'],
  ])('may not be there at all, and are told by their type: %o', async (given, told) => {
    await expect(client.limits.override('a/b/c', given)).rejects.toThrow(
      new TypeError(`limits.override: takes an object of max, ratePerSecond, forMs; it was given ${told}`),
    );
    expect(() => checkConnectOptions(given as object)).toThrow('connect: takes an object of ');
  });

  it('are named all at once', async () => {
    await expect(client.limits.override('a/b/c', { maxx: 1, forMS: 1 })).rejects.toThrow(/`maxx`.*\n.*`forMS`/);
  });

  it('are refused by `connect` and `createWorker`', () => {
    expect(() => checkConnectOptions({ databaseURL: 'x' })).toThrow('connect: unknown option `databaseURL`');
    expect(() => checkWorkerOptions({ onfailure: () => {} })).toThrow('createWorker: unknown option `onfailure`');
    expect(() => checkWorkerOptions({ settings: { concurency: 5 } })).toThrow(
      'createWorker: settings: unknown option `concurency`; known are taskQueue',
    );
    expect(() => createDashboard({} as Sluice, { authorise: () => undefined } as never)).toThrow(
      'createDashboard: unknown option `authorise`; known are tokens, authorize',
    );
    checkConnectOptions({ tenant: 'a' });
    checkWorkerOptions({ syncs: [], onFailure: () => {} });
  });
});

describe('what a worker is given', () => {
  it.each<[object, string]>([
    [{ roles: ['fast'] }, 'createWorker: `roles` has "fast"; there are interactive, bulk, background'],
    [{ settings: { roles: ['bulkk'] } }, '`roles` has "bulkk"'],
    [{ roles: [] }, '`roles` is empty; it must name some of interactive'],
    [{ settings: { concurrency: '5' } }, 'settings: `concurrency` is a string; it must be a number, 1 or more'],
    [{}, 'it is given nothing to serve: name `syncs`, `actions` or `sagas`'],
    [{ roles: 'bulk' }, '`roles` must be a list, e.g. [role]'],
    [{ syncs: {} }, '`syncs` must be a list, e.g. [sync]'],
    [{ onFailure: 'mail' }, '`onFailure` is a string; it must be a function'],
    [{ stalledAfterMs: '1h' }, '`stalledAfterMs` is a string; it must be a number, 1000 or more'],
    [{ credentials: { fetch: 1 } }, 'credentials: `get` is missing; it must be a function'],
    [{ alerts: { blockedAfter: 5 } }, 'alerts: unknown option `blockedAfter`; known are blockedAfterMs'],
    [{ settings: { logLevel: 'loud' } }, 'settings: `logLevel` has "loud"; there are debug, info'],
  ])('%j is refused', (options, sentence) => {
    expect(() => checkWorkerOptions(options)).toThrow(TypeError);
    expect(() => checkWorkerOptions(options)).toThrow(sentence);
  });
});

describe('what names a run, or a feed', () => {
  const names = [undefined, {}, 'sync/a/b', { sync: 'a' }, { sync: {}, account: 'b' }, { workflowid: 'sync/a/b' }];
  it.each(names)('is no run: %j', (of) => {
    expect(() => checkRunOf(of)).toThrow(
      /^`run` takes \{ sync, account \}, or \{ workflowId \} such as .*; it was given /,
    );
  });

  it('is a run by its sync and account, or by its workflow id', () => {
    for (const of of [{ sync: 'a', account: 'b' }, { workflowId: 'sync/a/b' }]) expect(checkRunOf(of)).toBe(of);
  });

  it.each([
    [{ definition: { nodes: new Map() } }, 'the whole sync'],
    [{ node: 'posts' }, 'something else'],
    [undefined, 'undefined; do two modules import each other?'],
  ])('is no node: its feed would end at once, as one without rows does', (given, what) => {
    expect(() => checkNode('records', given)).toThrow(
      `takes a node of a sync, e.g. \`network.posts\`; it was given ${what}`,
    );
  });
});

describe('a word of a filter that means nothing', () => {
  const nobody = {} as Pool; // it is not asked
  it.each<[string, () => Promise<unknown>, string]>([
    ['accounts', () => listAccounts(nobody, { status: 'needs-reconnect' } as never), 'connected, needs_reconnect'],
    ['reports', () => listReports(nobody, { order: 'desc' } as never), 'oldest, newest'],
    ['alerts', () => listAlerts(nobody, { kind: 'needs_reconnect' } as never), 'stale, needs-reconnect'],
    ['runs', () => listRuns(nobody, { state: ['done', 'ok'] } as never), 'incomplete'],
    ['lists', () => readFlawedLists(nobody, 'x', { kind: 'skip' } as never, 1), 'flawed, capped, looped'],
  ])('is refused for %s: nothing would be found', async (_, ask, known) => {
    await expect(ask()).rejects.toThrow(TypeError);
    await expect(ask()).rejects.toThrow(known);
  });
});

describe('an argument that is left out', () => {
  const nobody = {} as Pool; // it is not asked
  it.each<[string, () => Promise<unknown>, string]>([
    [
      'pace',
      () => readPace(nobody, 'hours' as never),
      'The span of pace() is "hours"; it must be one of hour, day, quarter.',
    ],
    [
      'limits.pause',
      () => createOperations(nobody).pause(undefined as never, ''),
      'A key is text, e.g. "social/token/acct_42"; it was given undefined.',
    ],
    [
      'limits.history',
      () => createOperations(nobody).history('a', 'week' as never),
      'The span of limits.history() is "week"',
    ],
    [
      'schedules.plan',
      async () => createSchedules(nobody, 'q').plan(undefined as never),
      'Schedules are declared by a list of syncs, e.g. [billing]; it was given undefined',
    ],
    [
      'schedules.apply',
      async () => createSchedules(nobody, 'q').apply([{}] as never),
      '`schedules` takes what `defineSync(…)` returns; it was given something else.',
    ],
  ])('or means nothing is told: %s', async (_, ask, sentence) => {
    await expect(ask()).rejects.toThrow(TypeError);
    await expect(ask()).rejects.toThrow(sentence);
  });
});

describe('credentials of an account', () => {
  const shop = defineProvider(z.object({ domain: z.string() }), {
    id: 'shop',
    baseUrl: 'https://shop.example',
    auth: noAuth(),
    limits: [],
  });

  it('may be a token, a password, or what a provider of one’s own needs', () => {
    checkCredentials({ accessToken: 'x', refreshToken: 'y', expiresAt: '2026-11-21T12:00:00Z' }, 'social');
    checkCredentials({ username: 'u', password: 'p' }, 'social');
    checkCredentials({ extra: { apiKey: 'k' } }, 'social');
    // As a login brings it.
    checkCredentials({ accessToken: 'x', scope: 'read', token_type: 'bearer' } as object, 'social');
  });

  it.each([
    ['refresh_token', '`credentials`: `refresh_token` is not read, write `refreshToken`.'],
    ['RefreshToken', '`RefreshToken` is not read, write `refreshToken`'],
    ['expires_in', '`expires_in` is not read, write `expiresAt: new Date('],
    ['expiresIn', '`expiresIn` is not read, write `expiresAt: new Date('],
  ])('with %s beside a token would be missed an hour later', (name, sentence) => {
    const given = { accessToken: 'x', [name]: 'very secret' };
    expect(() => checkCredentials(given, 'social')).toThrow(sentence);
    expect(() => checkCredentials(given, 'social')).not.toThrow('very secret');
  });

  it('are refused as the third party’s answer has them, without a word of what they hold', () => {
    const raw = { access_token: 'very secret', expires_in: 3_600 } as object;
    expect(() => checkCredentials(raw, 'social')).toThrow(
      new TypeError(
        '`credentials`: `access_token` is not read, write `accessToken`; ' +
          '`expires_in` is not read, write `expiresAt: new Date(Date.now() + seconds * 1000).toISOString()`.',
      ),
    );
    expect(() => checkCredentials(raw, 'social')).not.toThrow('very secret');
    expect(() => checkCredentials({ token: 'very secret', expires_in: 3_600 } as object, 'social')).toThrow(
      '`credentials` hold no secret that is known: they have `token`, `expires_in`, ' +
        'and may have accessToken, refreshToken, expiresAt, username, password, extra.',
    );
  });

  it.each([[3_600], ['3600'], [new Date(0)], ['soon']])('that end at %s do not say when', (expiresAt) => {
    expect(() => checkCredentials({ accessToken: 'x', expiresAt: expiresAt as string }, 'social')).toThrow(
      /must be an ISO time/,
    );
  });

  it.each<[credentials: unknown, mistake: RegExp]>([
    [{ accessToken: 12_345, refreshToken: 'y' }, /^`credentials`: `accessToken` must be a text; leave out/],
    [{ accessToken: 'very secret', refreshToken: null }, /^`credentials`: `refreshToken` must be a text; leave out/],
    [{ username: 7, password: ['very secret'] }, /^`credentials`: `username`, `password` must be a text/],
    [{ extra: 'very secret' }, /^`extra` of `credentials` must be an object of texts/],
    [{ extra: { key: { secret: 'very secret' } } }, /^`extra` of `credentials` must be an object of texts/],
    ['very secret', /^`credentials` must be an object/],
    [null, /^`credentials` must be an object/],
  ])('of another type are refused, without a word of what they hold: %j', (credentials, mistake) => {
    expect(() => checkCredentials(credentials as object, 'social')).toThrow(mistake);
    expect(() => checkCredentials(credentials as object, 'social')).not.toThrow('very secret');
  });

  it('are none at all where the login is the app’s own', () => {
    const provider = (auth: object) =>
      defineProvider({ id: 'p', baseUrl: 'https://p.example', limits: [], auth } as never);
    const client = { tokenUrl: '/t', grant: 'client_credentials' } as const;
    const parse = (): undefined => undefined;
    for (const auth of [
      oauth2({ ...client, clientId: 'app', clientSecret: () => 's' }),
      refreshable(bearer(), { request: () => post('/login', { key: 'k' }), parse }),
    ])
      expect(() => checkCredentials({}, provider(auth))).not.toThrow();
    for (const auth of [
      bearer(),
      oauth2({ ...client, clientId: ({ username }) => username }),
      oauth2({ tokenUrl: '/t', clientId: 'app' }),
      refreshable(bearer(), { request: ({ password }) => post('/login', { password }), parse }),
    ])
      expect(() => checkCredentials({}, provider(auth))).toThrow(/hold no secret/);
  });

  it('without any secret are none', () => {
    expect(() => checkCredentials({}, 'social')).toThrow(/hold no secret.*they have nothing.*write \{ extra: \{\} \}/);
    expect(() => checkCredentials({ accessToken: undefined } as object, 'social')).toThrow(
      /no secret.*they have nothing/,
    );
    expect(() =>
      checkCredentials({ accessToken: undefined, expiresAt: '2026-11-21T12:00:00Z' } as object, 'social'),
    ).toThrow(/hold no secret/);
  });

  it('are refused with all that is wrong with them and with the account, a line each', () => {
    const given = {
      provider: 'social',
      account: 'a/b',
      tenant: '',
      credentials: { accessToken: 7, refresh_token: 'very secret', extra: 'very secret', expiresAt: 'very secret' },
      settings: ['very secret'],
    } as unknown as ToConnect;
    expect(() => checkConnect(given)).toThrow(
      new TypeError(
        '`account` is "a/b"; it must be a name without "/".\n' +
          '`tenant` is ""; it must be a name.\n' +
          '`credentials`: `refresh_token` is not read, write `refreshToken`.\n' +
          '`credentials`: `accessToken` must be a text; leave out what there is none of.\n' +
          '`extra` of `credentials` must be an object of texts, e.g. { tokenSecret: "…" }.\n' +
          '`expiresAt` must be an ISO time, e.g. new Date(Date.now() + seconds * 1000).toISOString().\n' +
          '`settings` must be an object, e.g. { shop: "acme" }.',
      ),
    );
    // One alone keeps its type.
    const fits = { account: 'a', tenant: 't', credentials: { accessToken: 'x' } };
    expect(() => checkConnect({ ...given, ...fits })).toThrow(SettingsMistake);
    expect(() => checkConnect({ provider: 'social', ...fits })).not.toThrow();
  });

  it('may be left out, as may the tenant and the settings: what the account has stays', () => {
    for (const provider of ['social', shop]) expect(() => checkConnect({ provider, account: 'a' })).not.toThrow();
    for (const settings of [undefined, null]) expect(() => checkSettings('social', 'a', settings)).not.toThrow();
  });

  it('come with settings that fit the provider, where its definition is at hand', () => {
    expect(() => checkConnect({ provider: shop, account: 'a', settings: { domain: 'acme' } })).not.toThrow();
    for (const settings of [{}, null])
      expect(() => checkConnect({ provider: shop, account: 'a', settings })).toThrow('do not fit provider "shop"');
  });

  it('are refused in one message where two things are wrong', () => {
    expect(() => checkConnect({ provider: 'social', account: 'a/b', settings: [] })).toThrow(/`account`.*\n`settings`/);
  });

  it('names every option that nobody reads, with all else that is wrong', () => {
    expect(() =>
      checkOptions({ ...fine, weight: 0 }, { account: 'a', key: 'order-7' }, { account: true, idempotencyKey: true }),
    ).toThrow(/unknown option `key`; known are account, idempotencyKey\n.*weight/);
  });
});
