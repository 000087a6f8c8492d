/**
 * HubSpot CRM. Lists have `after` cursors. A search gives no more than 10,000 results, so it goes on behind the last
 * id. Associations are asked for a hundred contacts at a time. Limits are told by 429 and the name of a policy. Next:
 * `sync.ts`, `upsert-contact.ts`.
 * @see https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
 * @see https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm
 * @see https://developers.hubspot.com/docs/api-reference/error-handling
 */
import { z } from 'zod';
import {
  accept,
  body,
  bodyField,
  days,
  defineProvider,
  flawed,
  get,
  limited,
  minutes,
  oauth2,
  post,
  retry,
  rules,
  seconds,
  status,
  when,
  window,
  type Answer,
} from '../../index.ts';

const settings = z.object({
  /** `private`: an app of this account alone, with a token that stays; `oauth`: one that many accounts have installed. */
  app: z.enum(['private', 'oauth']).default('private'),
  plan: z.enum(['free', 'starter', 'professional', 'enterprise']).default('free'),
  /** Packs "API limit increase" that the account has bought. */
  limitIncreases: z.number().int().min(0).max(2).default(0),
});
type Of = { readonly settings: z.output<typeof settings> };

/** Of each private app by plan; of each OAuth app in each account. */
function inTenSeconds({ settings: { app, plan, limitIncreases } }: Of): number {
  if (app === 'oauth') return 110;
  if (limitIncreases > 0) return 250;
  return plan === 'free' || plan === 'starter' ? 100 : 190;
}

/** Of all private apps of an account together. OAuth apps have no such limit: 110 in ten seconds are fewer than a million a day. */
function inOneDay({ settings: { app, plan, limitIncreases } }: Of): number {
  if (app === 'oauth' || plan === 'enterprise') return 1_000_000 * (1 + limitIncreases);
  return (plan === 'professional' ? 650_000 : 250_000) + 1_000_000 * limitIncreases;
}

const toldIn =
  (name: string) =>
  ({ headers }: Answer) => ({
    max: Number(headers[name.replace('*', '')] ?? headers[name.replace('*', '-max')]),
    remaining: Number(headers[name.replace('*', '-remaining')]),
  });

export const hubspot = defineProvider(settings, {
  id: 'hubspot',
  baseUrl: 'https://api.hubapi.com',
  // https://developers.hubspot.com/docs/api-reference/latest/authentication/manage-oauth-tokens
  auth: oauth2({
    tokenUrl: 'https://api.hubapi.com/oauth/v1/token',
    clientId: () => process.env['HUBSPOT_CLIENT_ID'],
    clientSecret: () => process.env['HUBSPOT_CLIENT_SECRET'],
    clientAuth: 'body',
    rotates: false,
  }),
  limits: [
    window('burst', {
      by: ['token'],
      max: inTenSeconds,
      perMs: seconds(10),
      except: ['contacts', 'refresh'],
      told: toldIn('x-hubspot-ratelimit*'),
    }),
    // It ends at midnight in the account's own time zone; counted over any 24 hours it is never too much.
    window('day', {
      by: ['account'],
      max: inOneDay,
      perMs: days(1),
      except: ['refresh'],
      told: toldIn('x-hubspot-ratelimit-daily*'),
    }),
    // Five searches a second for the whole account. Their answers have no headers of limits.
    window('search', { by: ['account'], max: 5, perMs: seconds(1), endpoints: ['contacts'] }),
  ],
  classify: rules([
    // The policy says which limit it is, and nothing says when it ends.
    when(status(429), bodyField('policyName', 'DAILY'), limited({ limit: 'day', afterMs: () => minutes(15) })),
    when(status(429), bodyField('policyName', 'SECONDLY'), limited({ afterMs: () => seconds(1) })),
    when(status(429), bodyField('policyName'), limited({ afterMs: () => seconds(10) })),
    // Too many calls for the same object at once: two seconds later.
    when(status(423), retry({ afterMs: seconds(2) })),
    // The account moves to another data centre, for up to a day; `Retry-After` says until when.
    when(status(477), limited({ limit: 'day' })),
  ]),
});

/** Values are text, whatever they mean, and null where there is none. */
const text = z.string().nullish();
const properties = <Name extends string>(names: readonly Name[]) =>
  z.object(Object.fromEntries(names.map((name) => [name, text])) as Record<Name, typeof text>);
const rowWith = <Properties extends z.ZodType>(values: Properties) =>
  z.object({ id: z.string(), createdAt: z.string(), updatedAt: z.string(), properties: values });
const pageOf = <Row extends z.ZodType>(row: Row) =>
  z.object({
    results: z.array(row),
    paging: z.object({ next: z.object({ after: z.string() }).optional() }).optional(),
  });

const COMPANY = ['name', 'domain', 'industry', 'phone', 'city', 'country', 'lifecyclestage'] as const;
const CONTACT = ['email', 'firstname', 'lastname', 'phone', 'lifecyclestage', 'lastmodifieddate'] as const;
export const Company = rowWith(properties(COMPANY));
export const Contact = rowWith(properties(CONTACT));

/** https://developers.hubspot.com/docs/api-reference/latest/crm/objects/companies/guide */
export const companies = hubspot.endpoint('companies', {
  input: z.object({}),
  response: pageOf(Company),
  request: (_, page) =>
    get('/crm/v3/objects/companies', { limit: page.size, after: page.cursor, properties: COMPANY.join(',') }),
  paginate: {
    kind: 'cursor',
    items: ({ results }) => results,
    next: ({ paging }) => paging?.next?.after,
    pageSize: { start: 100 },
  },
});

/**
 * `after` of a search counts rows: where one that was read before has changed, another would be missed, and behind 10,000 there are none. So
 * each page is a search of its own, for what follows the last id.
 */
export const contacts = hubspot.endpoint('contacts', {
  input: z.object({ since: z.string().optional() }),
  response: pageOf(Contact),
  request: ({ since }, page) => {
    const changed = { propertyName: 'lastmodifieddate', operator: 'GTE', value: since };
    const next = { propertyName: 'hs_object_id', operator: 'GT', value: page.cursor ?? '0' };
    return post('/crm/v3/objects/contacts/search', {
      filterGroups: [{ filters: since === undefined ? [next] : [next, changed] }],
      sorts: [{ propertyName: 'hs_object_id', direction: 'ASCENDING' }],
      properties: CONTACT,
      limit: page.size,
    });
  },
  paginate: {
    kind: 'cursor',
    items: ({ results }) => results,
    next: ({ results }) => results.at(-1)?.id,
    hasMore: ({ paging }) => paging?.next !== undefined,
    resultCap: false,
    pageSize: { start: 200 },
  },
});

export const Association = z.object({
  from: z.object({ id: z.string() }),
  to: z.array(z.object({ toObjectId: z.coerce.string() })),
});
const Errors = z.object({ errors: z.array(z.object({ category: z.literal('OBJECT_NOT_FOUND') })) });

/** 207 has an error for each contact without a company, and may have others. */
function isOnlyMissing({ text: json }: Answer): boolean {
  return json.startsWith('{') && Errors.safeParse(JSON.parse(json)).success;
}

/** https://developers.hubspot.com/docs/api-reference/latest/crm/associations/associate-records/guide */
export const companiesOfContacts = hubspot.endpoint('companiesOfContacts', {
  input: z.object({ contacts: z.array(z.string()) }),
  response: z.object({ results: z.array(Association) }),
  request: (input) =>
    post('/crm/v4/associations/contacts/companies/batch/read', { inputs: input.contacts.map((id) => ({ id })) }),
  paginate: {
    kind: 'single',
    items: ({ results }) =>
      results.flatMap(({ from, to }) => to.map(({ toObjectId: company }) => ({ contact: from.id, company }))),
  },
  classify: rules([
    when(body(/"paging"\s*:\s*\{/), flawed('a contact has more companies than one answer holds')),
    when(status(207), isOnlyMissing, accept()),
  ]),
});
