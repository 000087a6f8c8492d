/** HubSpot and Salesforce against third parties as `test/setup/vendors` plays them: a sync, the run after it, an action. */
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { hubspotSync, upsertContact } from '../../../providers/vendors/hubspot/index.ts';
import { salesforceSync, upsertRecord } from '../../../providers/vendors/salesforce/index.ts';
import type { FakeApi, Simulator } from '../../../testing/index.ts';
import { onSimulator, onThirdParty, whole } from '../../setup/vendors/vendor-stage.ts';
import { playHubspot } from '../../setup/vendors/hubspot.ts';
import { playSalesforce, salesforceError } from '../../setup/vendors/salesforce.ts';

let simulator: Simulator;
onSimulator((started) => (simulator = started));

// Vendors side by side, each with its tests in order.
const it = test.sequential;

describe.concurrent('HubSpot', () => {
  let api: FakeApi;
  onThirdParty((played) => (api = played));
  const account = { account: 'hs', credentials: { accessToken: 'pat-of-a-test' }, settings: { plan: 'starter' } };

  it('reads more contacts than a search ever gives, and their companies a hundred contacts a call', async () => {
    // A search ends at 300 results here, and there are 450.
    const fake = playHubspot(api, { contacts: 450, cap: 300 });
    const { companies, contacts, companiesOfContacts } = hubspotSync;
    const first = await simulator.run(hubspotSync, { api, input: {}, ...account });
    expect(first.result).toMatchObject({ ...whole, rows: 120 + 450 + 300 });
    expect(first.rows(companies)).toHaveLength(120);
    expect(first.rows(companiesOfContacts)).toContainEqual({ contact: '8', company: '9001' });
    expect(fake.asked.length).toBeLessThanOrEqual(6);
    expect(first.violations).toEqual([]);

    // One has changed, and one is archived; the run asks for what has changed, and for the companies of these alone.
    fake.asked.length = 0;
    fake.put('8', { firstname: 'Jo' }, new Date().toISOString());
    fake.contacts.delete('15');
    const second = await simulator.run(hubspotSync, { api, input: {}, account: 'hs' });
    expect(second.result).toMatchObject(whole);
    const named = expect.objectContaining({ properties: expect.objectContaining({ firstname: 'Jo' }) as unknown });
    expect(second.rows(contacts)).toContainEqual(named);
    expect(fake.asked).toHaveLength(1);
    expect(fake.asked[0]).toBeLessThan(20);

    const full = await simulator.run(hubspotSync, { api, input: {}, account: 'hs', mode: 'full' });
    expect(full.result).toMatchObject(whole);
    expect(full.rows(contacts)).toHaveLength(449);
    expect(full.violations).toEqual([]);
  });

  it('waits ten seconds where others have used the burst, and makes one contact of an address', async () => {
    const { contacts, limitReached } = playHubspot(api, { contacts: 3 });
    api.script('POST /crm/v3/objects/contacts/batch/upsert', [limitReached('TEN_SECONDLY_ROLLING'), 'reset-after']);
    const startedAt = api.now();
    const input = { email: 'new@c.example', properties: { firstname: 'New' } };
    const { status, output } = await simulator.act(upsertContact, { api, input, ...account });
    expect(status).toMatchObject({ state: 'done', error: null });
    expect(api.now() - startedAt).toBeGreaterThan(9_900);
    // The first call that came through had made it; its answer was lost.
    expect(output).toMatchObject({ isNew: false });
    expect([...contacts.values()].filter(({ properties }) => properties['email'] === input.email)).toHaveLength(1);
  });
});

describe.concurrent('Salesforce', () => {
  let api: FakeApi;
  onThirdParty((played) => (api = played));
  const account = {
    account: 'sf',
    credentials: { accessToken: 'session-1', refreshToken: 'refresh-of-a-test' },
    settings: { domain: 'acme--dev.sandbox' },
  };
  beforeEach(() => {
    vi.stubEnv('SALESFORCE_CLIENT_ID', 'client-of-a-test');
    vi.stubEnv('SALESFORCE_CLIENT_SECRET', 'secret-of-a-test');
    return () => void vi.unstubAllEnvs();
  });

  it('goes on behind the last row where its locator is forgotten, renews its session, and reads a job in sets', async () => {
    const fake = playSalesforce(api);
    const { accounts, contacts } = salesforceSync;
    // The session has ended before the first call.
    fake.endSession();
    api.script('/services/data/v67.0/query/:locator', [salesforceError(400, 'INVALID_QUERY_LOCATOR')]);
    const first = await simulator.run(salesforceSync, { api, input: {}, ...account });
    expect(first.result).toMatchObject({ ...whole, rows: 2_300 + 250 });
    expect(first.rows(contacts)).toContainEqual(
      expect.objectContaining({ LastName: 'Contact "8"', Email: null, IsDeleted: false }),
    );
    expect(fake.jobs).toHaveLength(1);

    // Deleted ones come as rows of the next run.
    const now = new Date().toISOString();
    Object.assign(fake.objects.get('Account')![7]!, { IsDeleted: true, SystemModstamp: now });
    Object.assign(fake.objects.get('Contact')![7]!, { IsDeleted: true, SystemModstamp: now });
    const second = await simulator.run(salesforceSync, { api, input: {}, account: 'sf' });
    expect(second.result).toMatchObject(whole);
    expect(second.rows(accounts)).toHaveLength(2_299);
    expect(second.rows(contacts)).toHaveLength(249);
    expect(second.calls).toBeLessThanOrEqual(5);
    expect(fake.jobs[1]?.query).toContain('WHERE SystemModstamp >= 2026-');
  });

  it('writes one record where the answer is lost, and waits where 403 tells a limit of calls at once', async () => {
    const { written } = playSalesforce(api);
    const busy = salesforceError(403, 'REQUEST_LIMIT_EXCEEDED', 'ConcurrentPerOrgLongTxn Limit exceeded.');
    api.script('PATCH /sobjects/:object/:field/:id', [salesforceError(400, 'UNABLE_TO_LOCK_ROW'), busy, 'reset-after']);
    const input = { object: 'Contact', field: 'App_Id__c', externalId: 'a/1', values: { LastName: 'Doe' } };
    const startedAt = api.now();
    const { status, output } = await simulator.act(upsertRecord, { api, input, ...account });
    expect(status).toMatchObject({ state: 'done', error: null });
    expect(api.now() - startedAt).toBeGreaterThan(19_900);
    expect(output).toMatchObject({ created: false });
    expect(written.size).toBe(1);
  });
});
