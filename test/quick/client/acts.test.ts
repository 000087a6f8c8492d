/** The table of acts: a function of the client can't be forgotten in it. */
import { describe, expect, it } from 'vitest';
import { ACT_NAMES, listActs } from '../../../client/audit/list-acts.ts';
import { audited } from '../../../client/audit/audited-client.ts';
import type { Auditor } from '../../../client/audit/record-act.ts';

describe('the table of acts', () => {
  const auditor = { actor: { by: 'system' } } as Auditor;

  it('refuses a client with a function that it does not name, also in a group', () => {
    const client = { look: () => 1, group: { erase: () => 2 } };
    expect(() => audited(client, { look: 'look', group: {} } as never, auditor)).toThrow(
      '`group.erase` is not named in client/audit/acts.ts: is it an act, or a look?',
    );
    expect(audited(client, { look: 'look', group: { erase: 'look' } }, auditor).group.erase()).toBe(2);
  });

  it('has the names by which the audit is asked, and one that it has not is refused', async () => {
    expect(ACT_NAMES).toEqual(
      expect.arrayContaining(['accounts.erase', 'limits.pause', 'run.cancel', 'schema.migrate', 'start']),
    );
    expect(ACT_NAMES).not.toContain('limits.list');
    const asked: unknown[] = [];
    const pool = { query: async (_: string, values: unknown[]) => (asked.push(values[2]), { rows: [] }) } as never;
    for (const act of [undefined, 'accounts', 'limits.pause', 'start'])
      await listActs(pool, act === undefined ? {} : { act });
    expect(asked).toEqual([null, 'accounts', 'limits.pause', 'start']);
    await expect(listActs(pool, { act: 'limits.paus' })).rejects.toThrow(
      /`act` is "limits.paus"; it must be one of .*limits.pause/,
    );
  });
});
