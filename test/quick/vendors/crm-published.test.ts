/**
 * HubSpot and Salesforce beside what is published of them: `npm run typecheck` fails where a field is not there, has another type, or may be
 * null. Both are excerpts.
 */
import { describe, expect, expectTypeOf, it } from 'vitest';
import * as hubspot from '../../../providers/vendors/hubspot/index.ts';
import * as salesforce from '../../../providers/vendors/salesforce/index.ts';
import * as published from '../../fixtures/vendors/hubspot.ts';
import type * as objects from '../../fixtures/vendors/salesforce.ts';
import { asked, context, PAGE, sent, type Ask, type Row, type Wrong } from '../../setup/vendors/compare.ts';

const bodyOf = ({ request }: { readonly request: Ask }, input: object) => request(input, PAGE, context()).json;

describe('HubSpot', () => {
  const known = (path: string) => {
    expect(published.paths).toContain(path);
    return path;
  };

  it('has these lists', () => {
    const { call, names } = asked(hubspot.companies, {});
    expect(call).toBe(`GET ${known('/crm/v3/objects/companies')}`);
    for (const name of names) expect(published.pageParameters).toContain(name);
    expectTypeOf<Wrong<Row<typeof hubspot.Company>, published.SimplePublicObject, 'company'>>().toBeNever();
    expectTypeOf<Wrong<Row<typeof hubspot.Contact>, published.SimplePublicObject, 'contact'>>().toBeNever();
  });

  it('is searched so', () => {
    expect(asked(hubspot.contacts, {}).call).toBe(`POST ${known('/crm/v3/objects/contacts/search')}`);
    const search = bodyOf(hubspot.contacts, { since: 's' }) as published.PublicObjectSearchRequest;
    const fields = [
      'filterGroups',
      'sorts',
      'properties',
      'limit',
    ] satisfies (keyof published.PublicObjectSearchRequest)[];
    expect(Object.keys(search)).toEqual(fields);
    const filter = ['propertyName', 'operator', 'value'] satisfies (keyof published.Filter)[];
    expect(search.filterGroups?.[0]?.filters.map((each) => Object.keys(each))).toEqual([filter, filter]);
    const operators = ['GT', 'GTE'] satisfies published.Filter['operator'][];
    expect(search.filterGroups?.[0]?.filters.map(({ operator }) => operator)).toEqual(operators);
  });

  it('tells associations so', () => {
    const path = known('/crm/v4/associations/{fromObjectType}/{toObjectType}/batch/read');
    const { call } = asked(hubspot.companiesOfContacts, { contacts: ['1'] });
    expect(call).toBe(`POST ${path.replace('{fromObjectType}', 'contacts').replace('{toObjectType}', 'companies')}`);
    const inputs = [{ id: '1' }] satisfies published.PublicFetchAssociationsBatchRequest[];
    expect(bodyOf(hubspot.companiesOfContacts, { contacts: ['1'] })).toEqual({ inputs });
    type Theirs = published.PublicAssociationMultiWithLabel;
    expectTypeOf<Wrong<Row<typeof hubspot.Association>, Theirs, 'association'>>().toBeNever();
  });

  it('takes a contact', () => {
    const { call } = sent(hubspot.upsertContact, { email: 'a@b.example' });
    expect(call).toBe(`POST ${known('/crm/v3/objects/contacts/batch/upsert')}`);
    const { way, parseInput } = hubspot.upsertContact.definition;
    const { request } = way as unknown as { request: (input: unknown, of: never) => { json: { inputs: object[] } } };
    const [input] = request(parseInput({ email: 'a@b.example' }), context()).json.inputs;
    const names = ['idProperty', 'id', 'properties'] satisfies (keyof published.SimplePublicObjectBatchInputUpsert)[];
    expect(Object.keys(input as object)).toEqual(names);
    expect(['id', 'new'] satisfies (keyof published.SimplePublicUpsertObject)[]).toHaveLength(2);
  });
});

describe('Salesforce', () => {
  it('has these fields of accounts and contacts, and asks for them by name', () => {
    expectTypeOf<Wrong<Row<typeof salesforce.Account>, objects.Account, 'account'>>().toBeNever();
    // As CSV has them: what may be null is empty.
    type Text<T> = { [K in keyof T]: T[K] extends boolean ? T[K] : string | Extract<T[K], null> };
    expectTypeOf<Wrong<Row<typeof salesforce.Contact>, Text<objects.Contact>, 'contact'>>().toBeNever();
    const { query = {} } = salesforce.accounts.request({ since: '2026-01-01T00:00:00Z' }, PAGE, context());
    expect(query['q']).toBe(
      `SELECT ${Object.keys(salesforce.Account.shape).join(', ')} FROM Account WHERE SystemModstamp >= 2026-01-01T00:00:00Z ORDER BY Id`,
    );
  });

  it('makes such a job and understands each of its states', () => {
    const { job } = salesforce.contacts;
    const { json } = job!.submit({}, { key: 'k' } as never);
    expect(Object.keys(json as object)).toEqual(['operation', 'query']);
    expect((json as objects.QueryJob).operation).toBe('queryAll' satisfies objects.QueryJob['operation']);
    const states: Record<objects.QueryJob['state'], string> = {
      UploadComplete: 'running',
      InProgress: 'running',
      JobComplete: 'done',
      Failed: 'failed',
      Aborted: 'failed',
    };
    for (const [state, meant] of Object.entries(states))
      expect(job!.state({ state }, {} as never)).toMatchObject({ state: meant });
  });
});
