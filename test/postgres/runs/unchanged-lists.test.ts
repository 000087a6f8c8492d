/** Lists that are asked whether anything has changed, by what the third party has said of when it changed last. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineProvider, defineSync, get, noAuth } from '../../../providers/index.ts';
import { onListStage, type ListStage } from '../../setup/list-stage.ts';

const AT = Date.parse('2026-11-02T08:00:00Z');

describe('a list that tells the second of its last change', () => {
  let stage: ListStage;
  let rows: { id: string }[];
  let changedAt: number;
  let now: number;
  /** Answers by their status. */
  let answers: number[];
  onListStage((set) => {
    stage = set;
    rows = [{ id: 'a' }, { id: 'b' }];
    changedAt = AT;
    now = AT + 200;
    answers = [];
    stage.api.route('GET', '/labels', ({ headers }) => {
      const second = new Date(changedAt).toUTCString();
      const isKnown = Date.parse(headers['if-modified-since'] ?? '') >= Date.parse(second);
      answers.push(isKnown ? 304 : 200);
      const told = { 'last-modified': second, date: new Date(now).toUTCString() };
      return isKnown ? { status: 304, headers: told } : { body: { labels: rows }, headers: told };
    });
  });
  const read = async () => {
    const provider = defineProvider({ id: 'notes', baseUrl: stage.api.url, auth: noAuth(), limits: [] });
    const labels = provider.endpoint('labels', {
      input: z.object({}),
      response: z.object({ labels: z.array(z.object({ id: z.string() })) }),
      request: () => get('/labels'),
      paginate: { kind: 'single', items: (answer) => answer.labels },
      conditional: 'whole',
    });
    const sync = defineSync('notes', { provider, input: z.object({}) }, (s) => ({
      labels: s.one(labels, { input: () => ({}), key: ({ id }) => id, deletions: 'full-pass' }),
    }));
    const result = await stage.drive.run(sync, { account: stage.account });
    const { rows: stored } = await stage.db.pool.query<{ key: string }>(
      'select key from sluice.record where account = $1 and deleted_at is null order by key',
      [stage.account],
    );
    return { complete: result?.complete, stored: stored.map(({ key }) => key).join(' ') };
  };

  it('is read again where it may have changed later in that second, and then asked whether it has changed', async () => {
    expect(await read()).toEqual({ complete: true, stored: 'a b' });
    rows = [{ id: 'b' }, { id: 'c' }];
    changedAt = AT + 700;
    now = AT + 60_000;
    expect(await read()).toEqual({ complete: true, stored: 'b c' });
    now += 60_000;
    expect(await read()).toEqual({ complete: true, stored: 'b c' });
    expect(answers).toEqual([200, 200, 304]);
  });
});
