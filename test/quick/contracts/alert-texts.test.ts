/** What alerts say is enough for a person who reads nothing else; the documents have a section for each kind. */
import { readFileSync } from 'node:fs';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { signedHeaders, webhookKey } from '../../../client/alerts/sign-webhook.ts';
import { ALERT_KINDS, type Freshness, type StaleAccount } from '../../../contracts/alerts/alert.ts';
import * as texts from '../../../contracts/alerts/alert-texts.ts';
import { createProgram } from '../../../cli/program.ts';
import { readWorkerSettings } from '../../../workers/config.ts';

const sync: Freshness = {
  sync: 'network',
  provider: 'social',
  freshForMs: 7_200_000,
  accounts: 40,
  stale: 12,
  oldestMs: 9e6,
  paused: null,
  stalest: [{ account: 'a1', tenant: null, ageMs: 9e6, lastGoodAt: null, state: null }],
};
const stale = (state: StaleAccount['state']) =>
  texts.staleText(sync, { account: 'a1', tenant: null, ageMs: 9e6, lastGoodAt: null, state }, 'network/hourly');
const all = [
  ...([null, 'running', 'paused', 'done', 'incomplete', 'failed', 'cancelled'] as const).map(stale),
  texts.manyStaleText(sync),
  texts.reconnectText({ provider: 'social', account: 'a1', reason: 'HTTP 401', forMs: 60_000 }),
  texts.manyReconnectsText('social', 40, 2),
  texts.blockedText({ key: 'social/app/app', isPaused: false, forMs: 1, untilMs: 2, reason: 'HTTP 429', waiting: 1 }),
  texts.blockedText({ key: 'social/app/app', isPaused: true, forMs: 1, untilMs: null, reason: null, waiting: 0 }),
  texts.manyBlockedText('social/app', 40),
  texts.failingText({ name: 'social/friends', forMs: 400_000, reason: 'HTTP 503', probes: 3 }),
  texts.flawsText({ sync: 'network', runs: 3, lists: 10, flawed: 5, example: 'sync/network/a1' }),
  texts.unservedText('sluice', 200_000),
  texts.driftedText('sluice', '1 declaration otherwise in the code', 700_000),
];

describe('the text of an alert', () => {
  it.each(all)('names a command that exists: %s', (text) => {
    const named = [...text.matchAll(/`(?:\w+=\S+ )?npx sluice ([a-z-]+)(?: ([a-z-]+))?/g)];
    expect(named.length).toBeGreaterThan(0);
    for (const [, name, below] of named) {
      const command = createProgram().commands.find((each) => each.name() === name);
      expect(command, name).toBeDefined();
      if (command?.commands.length && below) expect(command.commands.map((each) => each.name())).toContain(below);
    }
    expect(text).not.toMatch(/undefined|null|NaN/);
  });

  it('says which account and how old, and by what to start a run where none is', () => {
    expect(stale(null)).toBe(
      'network of account a1 (social) has had no complete run since it was connected 2 h 30 min ago; at most 2 h are wanted. No run is going on: ' +
        '`npx sluice schedules list` says whether and when one is started, `npx sluice start network --account a1` starts one now (with `--input`, where the sync takes one). The schedule network/hourly is paused: `npx sluice schedules resume network/hourly` starts runs again.',
    );
  });

  it('of a run that was cancelled names what reads the rest of it, which asks for no input', () => {
    expect(stale('cancelled')).toContain("was cancelled: `npx sluice retry 'sync/network/a1'` reads what it has not.");
  });

  it('quotes a task queue as a shell takes it', () => {
    expect(texts.unservedText('my queue', 200_000)).toContain("`SLUICE_TASK_QUEUE='my queue' npx sluice worker");
    expect(texts.driftedText('my queue', '1 declaration', 1)).toContain("npx sluice alerts forget-queue 'my queue'`");
  });

  it('has a section in docs/operate/alerts.md for its kind: what it means, what to look at, what to do', () => {
    const page = readFileSync(new URL('../../../docs/operate/alerts.md', import.meta.url), 'utf8');
    for (const kind of ALERT_KINDS)
      expect(page).toMatch(
        new RegExp(
          `\n## ${kind}\n\n\\*\\*Means\\*\\*: [^#]*\n\\*\\*Look at\\*\\*: [^#]*\n\\*\\*Do\\*\\*: [^#]*\n\\*\\*Clears\\*\\* `,
        ),
      );
  });
});

describe('a webhook', () => {
  const secret = `whsec_${Buffer.alloc(24, 9).toString('base64')}`;
  const now = Math.floor(Date.now() / 1_000);
  const body = '{"type":"alert.fired","data":{"text":"é"}}';

  it("is signed so that the standard's own library takes it, and takes nothing that was changed", () => {
    const headers = signedHeaders(webhookKey(secret), 'a.fired', now, body);
    expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(body));
    expect(() => new Webhook(secret).verify(body.replace('é', 'e'), headers)).toThrow();
    expect(() => new Webhook(secret).verify(body, { ...headers, 'webhook-id': 'b.fired' })).toThrow();
    expect(() =>
      new Webhook(secret).verify(body, signedHeaders(webhookKey(secret), 'a.fired', now - 3_600, body)),
    ).toThrow();
  });

  it.each(['hunter2', 'whsec_c2hvcnQ=', `whsec_${'!'.repeat(40)}`, `whsec_${Buffer.alloc(65).toString('base64')}`])(
    'refuses the secret %s with how to make one, and repeats nothing of it',
    (bad) => {
      const settings = { SLUICE_ALERT_WEBHOOK_URL: 'https://pager.example/x', SLUICE_ALERT_WEBHOOK_SECRET: bad };
      expect(() => readWorkerSettings(settings)).toThrow(/24 to 64 bytes in base64\. Make one: node -p/);
      expect(() => readWorkerSettings(settings)).not.toThrow(bad);
    },
  );

  it('wants address and secret together, and an address that is one', () => {
    const of = (settings: Record<string, string>) => () => readWorkerSettings(settings);
    expect(of({ SLUICE_ALERT_WEBHOOK_URL: 'https://pager.example/x' })).toThrow(
      'SLUICE_ALERT_WEBHOOK_SECRET is not set',
    );
    expect(of({ SLUICE_ALERT_WEBHOOK_SECRET: secret })).toThrow('SLUICE_ALERT_WEBHOOK_URL is not set');
    expect(of({ SLUICE_ALERT_WEBHOOK_URL: 'pager?token=x', SLUICE_ALERT_WEBHOOK_SECRET: secret })).toThrow(
      'SLUICE_ALERT_WEBHOOK_URL is not understood',
    );
    // With what else is wrong, in one message.
    expect(of({ SLUICE_ALERT_WEBHOOK_SECRET: secret, SLUICE_CONCURRENCY: '0' })).toThrow(
      /- SLUICE_CONCURRENCY is "0".*\n {2}- SLUICE_ALERT_WEBHOOK_URL is not set/,
    );
    expect(readWorkerSettings({}).alertWebhook).toBeUndefined();
  });
});
