import { describe, expect, it } from 'vitest';
import { toObservation } from '../../../activities/http/to-observation.ts';
import { z } from 'zod';
import {
  bucket,
  calendar,
  defineProvider,
  get,
  hours,
  inflight,
  learned,
  minutes,
  numberAt,
  post,
  window,
  type Endpoint,
} from '../../../providers/index.ts';
import { actualCosts, chargesFor, limitMistakes, toldQuotas } from '../../../providers/limits.ts';
import { cleanObservation } from '../../../limiter/report/clean-observation.ts';
import { toldReset } from '../../../limiter/report/note-quota.ts';
import { suspectsOf } from '../../../limiter/report/refused-charge.ts';
import { matchQuota } from '../../../limiter/quota-headers/match-limit.ts';

const call = {
  provider: 'social',
  endpoint: 'search',
  account: 'acct-1',
  tenant: 'acme',
  settings: undefined,
  ip: 'nat-1',
  input: { q: 'x' },
  pageSize: 100,
};

describe('what a call takes from its provider’s limits', () => {
  it('counts one endpoint by address although a token is sent, and another by token', () => {
    const limits = [
      window('per-ip', { by: ['ip'], max: 100, perMs: minutes(1), endpoints: ['search'] }),
      window('per-token', { by: ['token'], max: 50, perMs: minutes(1), except: ['search'] }),
    ];
    expect(chargesFor(limits, call).map(({ key }) => key)).toEqual(['social/per-ip/nat-1']);
    expect(chargesFor(limits, { ...call, endpoint: 'posts' }).map(({ key }) => key)).toEqual([
      'social/per-token/acct-1',
    ]);
  });

  it('charges every limit that matches, with a cost computed from the call', () => {
    const limits = [
      window('app-hour', { by: ['app'], max: 5_000, perMs: hours(1), reserve: 0.1 }),
      learned('token', { by: ['token', 'endpoint'], cost: ({ pageSize }) => pageSize / 50 }),
      window('query', { by: [({ input }) => (input as { q: string }).q], max: 5, perMs: 1_000 }),
    ];
    expect(chargesFor(limits, call).map(({ key, cost }) => [key, cost])).toEqual([
      ['social/app-hour/app', 1],
      ['social/token/acct-1/search', 2],
      ['social/query/x', 1],
    ]);
  });

  it('is never nothing: a call without a limit is behind its provider’s gate too, and a 429 has a key to close', () => {
    const limits = [window('per-ip', { by: ['ip'], max: 100, perMs: minutes(1), endpoints: ['search'] })];
    for (const [stated, endpoint] of [
      [[], 'search'],
      [limits, 'posts'],
    ] as const) {
      // prettier-ignore
      const charges = chargesFor(stated, { ...call, endpoint });
      expect(charges.map(({ key, cost }) => [key, cost])).toEqual([['social/unlimited/acct-1', 1]]);
      // No third party's header is taken for one about it.
      for (const windowMs of [1_000, 10_000, 60_000, 3_600_000])
        expect(matchQuota(charges, { remaining: 5, max: 10, windowMs, resetAfterMs: 900 })).toBeUndefined();
    }
  });

  it('where only calls at once are limited, has a key for what is told of calls in a time, or refused for long', () => {
    const charges = chargesFor([inflight('open', { by: ['app'], max: 4 })], call);
    expect(charges.map(({ key }) => key)).toEqual(['social/open/app', 'social/unlimited/acct-1']);
    expect(suspectsOf(charges, { result: 'refused' })).toEqual([0]);
    expect(suspectsOf(charges, { result: 'refused', blockForMs: 2_000 })).toEqual([0]);
    expect(suspectsOf(charges, { result: 'refused', blockForMs: 45_000 })).toEqual([1]);
    const told = { max: 40, remaining: 0, resetAfterMs: 30_000 };
    expect(toldReset(charges, { result: 'refused', quotas: [told] })).toMatchObject({
      charge: { key: charges[1]!.key },
    });
  });

  it('has the numbers of the account’s plan, and one and the same limit for calls that have the same', () => {
    const isPro = ({ account }: { account: string }): boolean => account.startsWith('pro');
    const limits = [
      window('minute', { by: ['account'], max: (it) => (isPro(it) ? 600 : 60), perMs: minutes(1) }),
      bucket('points', { by: ['account'], perSecond: (it) => (isPro(it) ? 100 : 50), burst: 1_000 }),
      calendar('day', { by: ['app'], max: 10_000, per: 'day', zone: 'Europe/Berlin' }),
    ];
    const ofPro = chargesFor(limits, { ...call, account: 'pro-1' });
    const ofFree = chargesFor(limits, { ...call, account: 'free-1' });
    expect(ofPro.map(({ limit }) => limit)).toMatchObject([
      { max: 600 },
      { perSecond: 100, burst: 1_000 },
      { per: 'day' },
    ]);
    expect(ofFree.map(({ limit }) => limit)).toMatchObject([{ max: 60 }, { perSecond: 50 }, { zone: 'Europe/Berlin' }]);
    // The limiter compares by identity first.
    expect(chargesFor(limits, { ...call, account: 'pro-2' })[0]!.limit).toBe(ofPro[0]!.limit);
    const broken = [window('minute', { by: ['app'], max: () => Number.NaN, perMs: 1_000 })];
    expect(() => chargesFor(broken, call)).toThrow(
      'limit "minute": `max` is NaN; it must be at least 1 and at most 1000000000000 (for account "acct-1", endpoint "search")',
    );
  });

  it('turns out to be what the answer says', () => {
    const answer = (text: string) => ({ status: 200, headers: {}, text, elapsedMs: 1 });
    const limits = [
      bucket('points', {
        by: ['app'],
        perSecond: 50,
        burst: 1_000,
        cost: 100,
        actualCost: numberAt('extensions.cost.actual'),
      }),
      window('calls', { by: ['app'], max: 10, perMs: 1_000 }),
    ];
    expect(actualCosts(limits, answer('{"extensions":{"cost":{"actual":7}}}'))).toEqual({ points: 7 });
    for (const text of [
      '{"data":null}',
      '<html>',
      '{"extensions":{"cost":{"actual":"7"}}}',
      '',
      'null',
      '{"extensions":{"cost":{"actual":-1}}}',
    ])
      expect(actualCosts(limits, answer(text))).toEqual({});
  });

  it('is told by a body or by headers of its own, and is known by its name', () => {
    const limits = [
      bucket('points', {
        by: ['app'],
        perSecond: 50,
        burst: 1_000,
        told: (it) => ({ remaining: numberAt('left')(it) }),
      }),
      window('calls', {
        by: ['app'],
        max: 10,
        perMs: 1_000,
        told: ({ headers }) => ({ max: Number(headers['x-plan']), resetAfterMs: Number(headers['x-whole-in']) }),
      }),
      window('silent', { by: ['app'], max: 10, perMs: 1_000, told: () => undefined }),
    ];
    const answer = { status: 200, headers: { 'x-plan': '20' }, text: '{"left":7}', elapsedMs: 1 };
    const quotas = toldQuotas(limits, answer);
    expect(quotas).toEqual([
      { limit: 'points', remaining: 7 },
      { limit: 'calls', max: 20 },
    ]);
    expect(toldQuotas(limits, { ...answer, headers: {}, text: '<html>' })).toEqual([]);
    // The usual headers, which would be a guess, are left alone then.
    const headers = { 'x-ratelimit-limit': '10', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '3600' };
    const heard = toObservation({ kind: 'ok' }, { ...answer, headers }, { actualCost: {}, quotas });
    expect(heard.quotas).toEqual(quotas);
    expect(toObservation({ kind: 'ok' }, { ...answer, headers }).quotas).toMatchObject([{ remaining: 0 }]);
  });

  it('that is refused, with when to come again, has nothing left until then, and for no whole window', () => {
    const headers = { 'retry-after': '2', 'x-ratelimit-limit': '100', 'x-ratelimit-remaining': '0' };
    const answer = { status: 429, headers, text: '', elapsedMs: 1 };
    const hear = (of: typeof answer) =>
      cleanObservation(toObservation({ kind: 'limited', reason: '' }, of), 86_400_000);
    const refused = hear(answer);
    expect(refused).toMatchObject({ result: 'refused', blockForMs: 2_000 });
    expect(refused.quotas?.map(({ remaining }) => remaining)).toEqual([undefined]);
    // What says for how long is believed, and so is a refusal that says nothing else.
    const [whole, alone] = [
      { ...headers, 'x-ratelimit-reset': '60' },
      { ...headers, 'retry-after': '' },
    ];
    for (const each of [whole, alone])
      expect(hear({ ...answer, headers: each }).quotas).toMatchObject([{ remaining: 0 }]);
  });

  it('whose `told` gives a name that is none says which there are', () => {
    const limit = window('w', { by: ['app'], max: 5, perMs: 3_000, told: () => ({ remaining: 1, resetMs: 5 }) });
    expect(() => toldQuotas([limit], { status: 200, headers: {}, text: '', elapsedMs: 1 })).toThrow(
      /`told` of limit "w": .*resetMs.*resetAfterMs/,
    );
  });

  it('says what is wrong with a limit when it is declared', () => {
    const mistakes = (declaration: Parameters<typeof limitMistakes>[0]): string =>
      limitMistakes(declaration, []).join('; ');
    expect(mistakes(bucket('b', { by: ['app'], perSecond: 0, burst: 0 }))).toMatch(
      /`perSecond` is 0; .*; limit "b": `burst` is 0/,
    );
    expect(mistakes(calendar('c', { by: ['app'], max: 5, per: 'year' as 'day', zone: 'Nowhere' }))).toMatch(
      /`per` is "year"; known are day, week, month; limit "c": no time zone "Nowhere" is known/,
    );
    expect(mistakes(window('w', { by: ['app'], max: 5, perMs: 3_000, aligned: true }))).toMatch(
      /longer than four times `guardMs`/,
    );
    expect(mistakes(window('a/b', { by: ['app'], max: 5, perMs: 3_000 }))).toMatch(/without a "\/"/);
    expect(mistakes(window('w', { by: ['app'], perMs: 3_000 } as never))).toMatch(/`max` is undefined/);
    // `'5' >= 1` holds, and `'5' + 1` is 51.
    expect(mistakes(window('w', { by: ['app'], max: '5', perMs: 3_000 } as never))).toBe(
      'limit "w": `max` is "5"; it must be at least 1 and at most 1000000000000',
    );
    expect(mistakes(learned('l', { by: ['app'], floorPerSecond: 5, ceilingPerSecond: 1 }))).toMatch(
      /above `ceilingPerSecond`/,
    );
    expect(mistakes(window('w', { by: ['app'], max: 5, perMs: 3_000, told: 'cost.left' as never }))).toBe(
      'limit "w": `told` must be a function of the answer, e.g. numberAt(\'cost.actual\')',
    );
    // What depends on the call is known with the call.
    expect(mistakes(window('w', { by: ['app'], max: () => 0, perMs: 3_000 }))).toBe('');
  });

  it('may have no limit of that name', () => {
    const taken = window('unlimited', { by: ['app'], max: 1, perMs: minutes(1) });
    expect(limitMistakes(taken, [])).toEqual([
      'limit "unlimited": the name is kept for calls that no limit applies to',
    ]);
  });
});

describe('limits that an endpoint says itself', () => {
  const Settings = z.object({ plan: z.enum(['basic', 'plus']) });
  /** As one that comes along. */
  const shipped = () =>
    defineProvider(Settings, {
      id: 'shipped',
      baseUrl: 'https://api.example',
      limits: [
        window('app', { by: ['app'], max: 100, perMs: 1_000, except: ['search'] }),
        window('mailbox', { by: ['account'], max: 10, perMs: 1_000, endpoints: ['messages'] }),
      ],
    });
  const options = { input: z.object({}), response: z.object({ id: z.string() }), request: () => get('/x') };
  const facts = { ...call, settings: { plan: 'plus' } as unknown };
  const namesOf = ({ charges }: Pick<Endpoint, 'charges'>) => charges(facts).map(({ limit }) => limit.name);

  it('are those of its provider by name, and own ones, which others may share', () => {
    const provider = shipped();
    const messages = provider.endpoint('messages', options);
    const search = provider.endpoint('search', options);
    const shared = window<{ plan: 'basic' | 'plus' }>('calendars', {
      by: ['account'],
      max: ({ settings }) => (settings.plan === 'plus' ? 20 : 5),
      perMs: 1_000,
      told: () => ({ remaining: 3 }),
    });
    const events = provider.endpoint('events', { ...options, limits: ['mailbox', shared] });
    const calendars = provider.endpoint('calendars', { ...options, limits: [shared] });
    const hidden = provider.endpoint('hidden', {
      ...options,
      limits: ['app', window('own', { by: ['ip'], max: 1, perMs: 500 })],
    });
    const create = provider.action('create', {
      input: z.object({}),
      output: z.object({}),
      request: () => post('/x'),
      limits: ['mailbox'],
    });
    expect(namesOf(messages as never)).toEqual(['app', 'mailbox']);
    expect(namesOf(search as never)).toEqual(['unlimited']);
    expect(namesOf(events as never)).toEqual(['app', 'mailbox', 'calendars']);
    expect(namesOf(calendars as never)).toEqual(['app', 'calendars']);
    expect(namesOf(hidden as never)).toEqual(['app', 'own']);
    expect(create.definition.charges(facts).map(({ limit }) => limit.name)).toEqual(['app', 'mailbox']);
    const [, , plan] = (events as unknown as Endpoint).charges(facts);
    expect(plan).toMatchObject({ limit: { max: 20 }, key: 'shipped/calendars/acct-1' });
    expect(provider.toldQuotas({ status: 200, headers: {}, text: '', elapsedMs: 1 })).toEqual([
      { limit: 'calendars', remaining: 3 },
    ]);
    expect(provider.mistakes()).toEqual([]);
  });

  it('that are wrong are mistakes, with what to write', () => {
    const provider = shipped();
    provider.endpoint('messages', options);
    provider.endpoint('search', { ...options, limits: ['mailboxes', 7 as never] });
    provider.endpoint('a', { ...options, limits: window('x', { by: ['ip'], max: 1, perMs: 500 }) as never });
    provider.endpoint('b', {
      ...options,
      limits: [window('app', { by: ['ip'], max: 1, perMs: 500, endpoints: ['c'] })],
    });
    expect(provider.mistakes()).toEqual([
      'endpoint "search": `limits` names "mailboxes"; the provider has app, mailbox',
      'endpoint "search": `limits` names 7; the provider has app, mailbox',
      'endpoint "a": `limits` must be a list, e.g. ["search"], or [window("search", { … })]',
      'provider "shipped": limit "app" is defined twice',
      'provider "shipped": limit "app": no endpoint "c"; defined are messages, search, a, b',
    ]);
  });
});
