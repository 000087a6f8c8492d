import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  actionWorkflowId,
  entityOf,
  sagaStepWorkflowId,
  sagaWorkflowId,
  withinBytes,
} from '../../../contracts/names.ts';
import { checkAccount, checkOptions } from '../../../client/options/check-options.ts';
import { window } from '../../../providers/index.ts';
import { chargesFor } from '../../../providers/limits.ts';

const odd = fc.string({ unit: fc.constantFrom('a', '/', '%', '2F', 'stock', '\ud800', '\udc00', '\0', 'é', '"', '['), maxLength: 5 }); // prettier-ignore

describe('ids made of names', () => {
  it('differ where the names do, whatever is in them', () => {
    fc.assert(
      fc.property(odd, odd, (one, other) => {
        fc.pre(one !== other);
        expect(sagaWorkflowId('s', 'a', one)).not.toBe(sagaWorkflowId('s', 'a', other));
        expect(actionWorkflowId('p/x', 'a', one)).not.toBe(actionWorkflowId('p/x', 'a', other));
        expect(entityOf(one, undefined)).not.toBe(entityOf(other, undefined));
        expect(entityOf(one, 't')).not.toBe(entityOf(other, undefined));
        expect(entityOf('e', one)).not.toBe(entityOf('e', other));
      }),
      { numRuns: 2_000 },
    );
  });

  it('of a step of a saga are no ids of another saga', () => {
    expect(sagaStepWorkflowId(sagaWorkflowId('s', 'a', 'k'), 'stock')).not.toBe(sagaWorkflowId('s', 'a', 'k/stock'));
    // What usual keys are made of is as people wrote it.
    expect(sagaWorkflowId('s', 'a', 'order-17:é')).toBe('saga/s/a/order-17:é');
  });

  it('are text that Temporal and Postgres take', () => {
    fc.assert(
      fc.property(odd, (key) => {
        const id = actionWorkflowId('p/x', 'a', key);
        expect(id.isWellFormed() && !/\p{Cc}/u.test(id)).toBe(true);
      }),
    );
  });

  it('of limits by several values do not meet', () => {
    const limits = [window('w', { by: ['tenant', 'account'], max: 1, perMs: 1_000 })];
    const key = (tenant: string, account: string) =>
      chargesFor(limits, {
        provider: 'p',
        endpoint: 'e',
        tenant,
        account,
        settings: undefined,
        ip: '',
        input: {},
        pageSize: 0,
      })[0]?.key;
    expect(key('a/b', 'c')).not.toBe(key('a', 'b/c'));
    expect(key('a%2Fb', 'c')).not.toBe(key('a/b', 'c'));
    expect(key('a', 'c')).toBe('p/w/a/c');
  });
});

describe('names of accounts and tenants', () => {
  it.each([
    ['a half emoji', 'a\ud800', /no halves of characters/],
    ['a control character', 'a\nb', /no control characters/],
    ['a letter in another spelling', 'caf\u0065\u0301', /normalised/],
    ['more than 200 bytes', 'ж'.repeat(101), /has 202 bytes and may have 200/],
    ['a slash', 'a/b', /without "\/"/],
    ['nothing', '', /must be a name/],
  ])('with %s are refused', (_, account, why) => {
    expect(() => checkAccount(account)).toThrow(why);
  });

  it('may be whatever people are called', () => {
    for (const account of ['a', 'müller@example.org', '漢字', 'ж'.repeat(100), '😀 & co.']) checkAccount(account);
    const fine = { account: 'a', startedBy: 'system', priority: 'bulk', weight: 1 };
    checkOptions({ ...fine, tenant: 'acme/eu' }, {}, {});
    expect(() => checkOptions({ ...fine, tenant: 'x\0' }, {}, {})).toThrow(/`tenant`/);
  });
});

describe('a text within so many bytes', () => {
  it('is its beginning, cut between characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.integer({ min: 4, max: 64 }), (text, most) => {
        const cut = withinBytes(text, most);
        expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(most);
        expect(text.startsWith(cut)).toBe(true);
        if (cut !== text) expect(Buffer.byteLength(cut)).toBeGreaterThan(most - 4);
      }),
    );
  });
});
