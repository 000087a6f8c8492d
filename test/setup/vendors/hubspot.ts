/**
 * HubSpot as its documentation describes it: lists with `after`, searches that find what has changed a moment later and end at a cap, associations
 * of many contacts by one call, limits by ten seconds, by day and for searches, each with the name of its policy.
 */
import type { FakeApi } from '../../../testing/index.ts';

interface Filter {
  readonly propertyName: string;
  readonly operator: string;
  readonly value: string;
}
interface Search {
  readonly filterGroups: readonly { readonly filters: readonly Filter[] }[];
  readonly sorts: readonly { readonly propertyName: string; readonly direction: string }[];
  readonly properties: readonly string[];
  readonly limit: number;
  readonly after?: string;
}
interface FakeContact {
  readonly id: string;
  readonly company: string | undefined;
  readonly createdAt: string;
  updatedAt: string;
  properties: Record<string, string | null>;
}

const at = (minute: number): string => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();

const limitReached = (policyName: string) => ({
  status: 429,
  body: { status: 'error', message: 'You have reached your limit.', errorType: 'RATE_LIMIT', policyName },
});

/** @param cap results of one search; HubSpot gives 10,000. */
export function playHubspot(api: FakeApi, { contacts: count = 450, cap = 10_000 } = {}) {
  const companies = Array.from({ length: 120 }, (_, i) => ({
    id: String(9_000 + i),
    createdAt: at(i),
    updatedAt: at(i),
    archived: false,
    properties: { name: `Company ${i}`, domain: `c${i}.example`, hs_object_id: String(9_000 + i) },
  }));
  const contacts = new Map<string, FakeContact>();
  const put = (id: string, values: Record<string, string>, updatedAt: string, company?: string): FakeContact => {
    const known = contacts.get(id);
    const properties = { ...known?.properties, ...values, hs_object_id: id, lastmodifieddate: updatedAt };
    const contact = { id, company: known?.company ?? company, createdAt: at(0), updatedAt, properties };
    contacts.set(id, contact);
    return contact;
  };
  // Ids are numbers of different length, and do not stand in the order of the changes.
  for (let i = 0; i < count; i++)
    put(
      String(i * 7 + 1),
      { email: `p${i}@c.example` },
      at(count - i),
      i % 3 === 0 ? undefined : String(9_000 + (i % 120)),
    );

  api.list('/crm/v3/objects/companies', {
    items: () => companies,
    params: { cursor: 'after' },
    fields: { items: 'results', next: 'paging.next.after', noNext: 'absent' },
    pageSize: { default: 10, max: 100, overMax: 'error400' },
  });
  const fits = ({ properties }: FakeContact, { propertyName, operator, value }: Filter): boolean => {
    const own = properties[propertyName] ?? '';
    if (operator === 'GT') return Number(own) > Number(value);
    return operator === 'GTE' && own >= new Date(value).toISOString();
  };
  api.route(
    'POST',
    '/crm/v3/objects/contacts/search',
    ({ body }) => {
      const { filterGroups, sorts, limit, after = '0', properties } = body as Search;
      const [{ filters }] = filterGroups as [{ filters: readonly Filter[] }];
      const found = [...contacts.values()].filter((contact) => filters.every((filter) => fits(contact, filter)));
      if (sorts[0]?.propertyName === 'hs_object_id') found.sort((a, b) => Number(a.id) - Number(b.id));
      const start = Number(after);
      if (start >= cap || limit > 200) return { status: 400, body: { status: 'error', category: 'VALIDATION_ERROR' } };
      const end = Math.min(start + limit, found.length, cap);
      const results = found.slice(start, end).map(({ id, createdAt, updatedAt, properties: all }) => ({
        id,
        createdAt,
        updatedAt,
        archived: false,
        properties: Object.fromEntries(properties.map((name) => [name, all[name] ?? null])),
      }));
      const paging = end < found.length ? { paging: { next: { after: String(end) } } } : {};
      return { body: { total: found.length, results, ...paging } };
    },
    ({ text }) => text,
  );
  const asked: number[] = [];
  api.route(
    'POST',
    '/crm/v4/associations/contacts/companies/batch/read',
    ({ body }) => {
      const { inputs } = body as { inputs: readonly { readonly id: string }[] };
      asked.push(inputs.length);
      const label = { category: 'HUBSPOT_DEFINED', typeId: 279, label: null };
      const found = inputs.filter(({ id }) => contacts.get(id)?.company !== undefined);
      const results = found.map(({ id }) => ({
        from: { id },
        to: [{ toObjectId: Number(contacts.get(id)?.company), associationTypes: [label] }],
      }));
      const errors = inputs
        .filter((input) => !found.includes(input))
        .map(({ id }) => ({
          status: 'error',
          category: 'OBJECT_NOT_FOUND',
          subCategory: 'crm.associations.NO_ASSOCIATIONS_FOUND',
          message: `No company is associated with contact ${id}.`,
          context: { fromObjectId: [id] },
        }));
      const done = { status: 'COMPLETE', startedAt: at(0), completedAt: at(0), results };
      return errors.length === 0
        ? { body: done }
        : { status: 207, body: { ...done, numErrors: errors.length, errors } };
    },
    ({ text }) => text,
  );
  api.route('POST', '/crm/v3/objects/contacts/batch/upsert', ({ body }) => {
    const { inputs } = body as { inputs: readonly { id: string; properties: Record<string, string> }[] };
    const results = inputs.map(({ id: email, properties }) => {
      const known = [...contacts.values()].find((contact) => contact.properties['email'] === email);
      const { id } = put(known?.id ?? String(1_000_000 + contacts.size), properties, new Date().toISOString());
      return { id, new: known === undefined, properties };
    });
    return { body: { status: 'COMPLETE', results } };
  });
  const isSearch = /\/search$/;
  api.limit({
    name: 'burst',
    by: 'token',
    max: 100,
    perMs: 10_000,
    on: /^(?!.*\/search$)/,
    refusal: limitReached('TEN_SECONDLY_ROLLING'),
  });
  api.limit({ name: 'search', by: 'token', max: 5, on: isSearch, refusal: limitReached('SECONDLY') });
  return { companies, contacts, put, asked, limitReached };
}
