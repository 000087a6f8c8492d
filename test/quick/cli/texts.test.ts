import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { moreText } from '../../../cli/text/more.ts';
import { sentenceOf } from '../../../cli/sentence.ts';
import { quotedForShell, shellWord } from '../../../contracts/values/shell-word.ts';
import { duration } from '../../../contracts/values/duration.ts';
import type { AccountDetails, AuditEntry, Overview, Report, RunProgress } from '../../../client/index.ts';
import { accountText, unknownAccountText } from '../../../cli/text/account.ts';
import { auditText } from '../../../cli/text/audit.ts';
import { restText } from '../../../cli/text/erasure.ts';
import { overviewText } from '../../../cli/text/overview.ts';
import { progressText } from '../../../cli/text/progress.ts';
import { planText } from '../../../cli/text/schedule.ts';
import { sagaText, undecidedText } from '../../../cli/text/operation.ts';

describe('a length of time', () => {
  it.each([
    [0, '0 s'],
    [-5, '0 s'],
    [40, '0 s'],
    [450, '0.5 s'],
    [12_340, '12.3 s'],
    [59_940, '59.9 s'],
    [59_960, '60 s'],
    [250_000, '4 min 10 s'],
    [3_599_600, '1 h'],
    [79_994_000, '22 h 13 min'],
    [86_399_000, '1 d'],
    [273_600_000, '3 d 4 h'],
    [Infinity, 'for ever'],
  ])('of %d ms is %s', (ms, text) => expect(duration(ms)).toBe(text));
});

describe('an error at the terminal', () => {
  const Input = z.object({ user: z.object({ id: z.string() }), tags: z.array(z.number()) });
  const mistake = (value: unknown) => Input.safeParse(value).error;

  it('of a schema is a sentence for each place, and not JSON', () => {
    expect(sentenceOf(mistake({ user: {}, tags: [] }), '--input')).toBe(
      '--input does not fit: user.id: Invalid input: expected string, received undefined',
    );
    expect(sentenceOf(mistake({ user: { id: 1 }, tags: [1, 'b'] }))).toBe(
      'The value does not fit:\n  - user.id: Invalid input: expected string, received number\n' +
        '  - tags[1]: Invalid input: expected number, received string',
    );
    expect(sentenceOf(mistake('text'))).toBe('The value does not fit: Invalid input: expected object, received string');
  });

  it('of a payload that only the app can decode says so', () => {
    expect(sentenceOf(new Error('Unknown encoding: binary/mine'))).toMatch(/payloadCodecs.*binary\/mine.*connect\(/);
  });

  const refusedBy = (code: string, message: string) => Object.assign(new Error(message), { code, severity: 'ERROR' });

  it.each([
    [refusedBy('42P01', 'relation "sluice.run" does not exist'), /schema of this version.*sluice\.run.*sluice migrate/],
    [refusedBy('42883', 'function sluice.acquire() does not exist'), /schema of this version.*sluice migrate/],
    [refusedBy('28P01', 'password authentication failed for user "x"'), /user "x"\. DATABASE_URL names the user/],
    [refusedBy('3D000', 'database "x" does not exist'), /Create the database that DATABASE_URL names/],
    [refusedBy('42501', 'permission denied for schema sluice'), /migrate --grant <role>/],
    [new Error('timeout exceeded when trying to connect'), /does not answer: timeout.*DATABASE_URL right\? .*doctor/],
    [
      Object.assign(new Error('getaddrinfo ENOTFOUND db'), { code: 'ENOTFOUND' }),
      /does not answer: getaddrinfo ENOTFOUND db/,
    ],
  ])('of the database says what to do: %s', (error, wanted) => expect(sentenceOf(error)).toMatch(wanted));

  it('of the database is found below the error that carries it, and never empty', () => {
    const both = ['::1:5432', '127.0.0.1:5432'].map((at) => new Error(`connect ECONNREFUSED ${at}`));
    const nobody = Object.assign(new AggregateError(both), { code: 'ECONNREFUSED' });
    expect(nobody.message).toBe('');
    const said = sentenceOf(new Error("The limiter's store did not answer", { cause: nobody }));
    expect(said).toContain('connect ECONNREFUSED ::1:5432, connect ECONNREFUSED 127.0.0.1:5432');
    expect(said).not.toContain('limiter');
  });

  it('of a workflow that Temporal does not know, or that has ended, says where to look', () => {
    const of = (message: string) => Object.assign(new Error(message), { name: 'WorkflowNotFoundError' });
    expect(sentenceOf(of('workflow not found for ID: sync/a b/"c"'))).toMatch(
      /^No run, action or saga has the id "sync\/a b\/\\"c\\""\. `npx sluice runs`/,
    );
    expect(sentenceOf(of('workflow execution already completed'))).toMatch(/^It has ended: nothing was changed\./);
  });

  it('of anything else is its message', () => {
    expect(sentenceOf(new TypeError('no'))).toBe('no');
    expect(sentenceOf('a text')).toBe('a text');
  });
});

describe('an account that nobody knows', () => {
  it('is told with the command that names those that there are, also before it is erased', () => {
    const text = unknownAccountText('social/acct_4');
    expect(text).toContain('`npx sluice accounts list`');
    expect(restText('social/acct_4', { rows: {}, histories: [], schedules: [] })).toBe(text);
    expect(restText('social/acct_4', { rows: { run: 1 }, histories: [], schedules: [] })).toMatch(/1 run\n.*`--yes`/);
  });
});

describe('an act that failed', () => {
  it('says so without the error that was taken out when its account was erased', () => {
    const entry = { id: 1, outcome: 'failed', error: null, why: null, before: null, after: null, subject: {} };
    expect(auditText(entry as AuditEntry)).toMatch(/ {2}failed$/);
  });
});

describe('a saga with a step of unknown fate', () => {
  it('says what a person can do, and offers nothing that is refused', () => {
    const report = {
      status: 'failed',
      what: 'buy',
      account: 'a',
      startedBy: 'system',
      startedAt: '2026-03-01T00:00:00.000Z',
    };
    const step = {
      name: 'mail',
      action: 'shop/mail',
      workflowId: 'saga/buy/a/b1/mail',
      isCompensation: false,
      state: 'failed',
      calls: 1,
      error: 'reset',
      errorType: 'unknown-write',
      idempotencyKey: 'k',
      resolvedBy: null,
    } as const;
    const text = sagaText(
      'saga/buy/a/b1',
      { ...report, endedAt: null, error: null, errorType: null } as unknown as Report,
      [step],
      [],
    );
    expect(text).toContain("npx sluice actions resolve 'saga/buy/a/b1/mail' --happened");
    expect(text).toContain('which closes this step: to have it done, start a new saga');
    expect(text).toContain('shop/mail, 1 call: unknown-write, reset');
    expect(text).toContain('--not-happened');
    const id = 'saga/buy/a/b1/mail/undo';
    const undo = undecidedText(id, 'unknown-write').join('\n');
    expect(undo).toContain(`npx sluice actions resolve '${id}' --happened null`);
    expect(undo).toContain('take it back by hand');
    expect(undo).not.toContain('start a new saga');
  });

  it('says what a person can do about an output that is missing, and about no other end', () => {
    const lost = undecidedText('action/shop/mail/a/1', 'output-lost').join('\n');
    expect(lost).toMatch(/^It waits for a person: its write happened, and its output is missing\./);
    expect(lost).toContain("npx sluice actions resolve 'action/shop/mail/a/1' --happened");
    expect(lost).not.toContain('--not-happened');
    for (const ended of ['gone', 'cancelled', null, undefined])
      expect(undecidedText('action/shop/mail/a/1', ended)).toEqual([]);
  });
});

describe('an account that must be connected again', () => {
  it('is told with the reason and the command, and an operator’s pause is not taken for it', () => {
    const run = {
      workflowId: 'sync/plan/acct 1',
      provider: 'planner',
      account: 'acct 1',
      state: 'paused',
      startedAt: '2026-11-28T03:00:00.000Z',
      endedAt: '2026-11-28T03:00:05.000Z',
      nodes: [],
    };
    const text = (of: object) => progressText({ ...run, ...of } as unknown as RunProgress);
    expect(text({ pausedBy: 'auth', pausedReason: 'revoked' })).toMatch(
      /The account must be connected: revoked\. The run goes on by itself then\.\n.*npx sluice accounts connect planner 'acct 1' < /,
    );
    expect(text({ pausedBy: 'operator', pausedReason: 'maintenance' })).not.toContain('connect');
  });

  it('has no token that would be valid or refreshed', () => {
    const details = {
      provider: 'social',
      account: 'acct_42',
      tenant: null,
      since: '2026-11-28T03:00:00.000Z',
      keys: [],
      waits: [],
      syncs: [],
      scheduled: [],
    };
    const token = { state: 'ended', endsAt: '2026-11-28T02:00:00.000Z', failures: 0, failure: null, retryAt: null };
    const text = (of: object) => accountText({ ...details, token, ...of } as unknown as AccountDetails);
    expect(text({ status: 'connected', reason: null })).toContain('the next call refreshes it');
    expect(text({ status: 'needs_reconnect', reason: 'revoked' })).toBe(
      'social/acct_42  needs_reconnect since 2026-11-28T03:00:00.000Z\n  its user must connect it again: revoked',
    );
    // Why it was given up.
    const failing = { ...token, state: 'refresh-fails', failures: 3, failure: 'HTTP 500' };
    expect(text({ status: 'needs_reconnect', reason: null, token: failing })).toContain('3 refreshes in a row failed');
  });
});

describe('how everything stands', () => {
  it('has one line for the ages of each sync, the freshest first', () => {
    const age = (sync: string, accounts: number, averageMs: number) => ({ sync, accounts, averageMs });
    const overview = {
      accounts: { connected: 0, needs_reconnect: 0 },
      runs: { running: 0, paused: 0, needs_reconnect: 0 },
      ages: [age('inbox', 4, 378_000), age('inbox', 282, 41_700), age('mail', 1, 60_000)],
      limits: [],
      alerts: {},
      alertsUntold: 0,
      untold: 0,
    };
    const ages = overviewText(overview as unknown as Overview)
      .split('\n')
      .filter((line) => line.startsWith('last good run'));
    expect(ages).toEqual([
      'last good run, or first start without one  inbox: 282 accounts on average 41.7 s ago, 4 accounts on average 6 min 18 s ago',
      'last good run, or first start without one  mail: 1 account on average 60 s ago',
    ]);
  });
});

describe('a plan of schedules', () => {
  it('says so when nothing differs', () => {
    const change = {
      kind: 'schedule',
      id: 'hourly',
      sync: 'hourly',
      before: 'every 1 h',
      after: 'every 1 h',
      accounts: 2,
    } as const;
    const plan = (how: 'unchanged' | 'changed') =>
      planText({ taskQueue: 'q', changes: [{ ...change, change: how }], removesMany: false });
    expect(plan('unchanged')).toBe('task queue "q"\n  schedule hourly: every 1 h (2 accounts)\nNothing differs.');
    expect(plan('changed')).not.toContain('Nothing differs');
  });
});

describe('a list that may have more', () => {
  it('ends with the words that show it, quoted for a shell', () => {
    expect(moreText([1], 2, 'x')).toBeUndefined();
    expect(moreText([1, 2], 2, 7)).toBe('There may be more: --after 7');
    expect(moreText([1], 1, '17.sync/a')).toBe('There may be more: --after 17.sync/a');
    expect(moreText([1], 1, `17.it's $HOME`)).toBe(`There may be more: --after '17.it'\\''s $HOME'`);
    expect(moreText([1], 1, '')).toBe(`There may be more: --after ''`);
    expect(moreText([1], 1)).toBe('There may be more: --limit shows more.');
  });
});

describe('a command that a message tells to run', () => {
  it('has names as a shell takes them, whatever they hold', () => {
    expect(shellWord('sync/network/acct_42')).toBe('sync/network/acct_42');
    expect(shellWord('a b')).toBe(`'a b'`);
    expect(quotedForShell(`it's $(rm)`)).toBe(`'it'\\''s $(rm)'`);
  });
});
