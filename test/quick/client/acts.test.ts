/** The table of acts: a function of the client can't be forgotten in it. */
import { describe, expect, it } from 'vitest';
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
});
