/**
 * Microsoft Graph, as an application in a tenant. Delta links tell which users have changed; limits are counted in resource units, by tenant and
 * by mailbox. Next: `sync.ts`, `create-event.ts`.
 * @see https://learn.microsoft.com/en-us/graph/throttling-limits
 * @see https://learn.microsoft.com/en-us/graph/delta-query-overview
 * @see https://learn.microsoft.com/en-us/graph/errors
 */
import { z } from 'zod';
import {
  bodyField,
  bucket,
  checkpointExpired,
  defineProvider,
  endOfData,
  get,
  inflight,
  minutes,
  oauth2,
  path,
  rules,
  seconds,
  status,
  when,
  window,
  type CallFacts,
} from '../../index.ts';

const settings = z.object({
  /** Id of the tenant, or one of its domains. */
  tenantId: z.string().regex(/^[A-Za-z0-9.-]+$/),
  /** Its size: `S` below 50 users, `M` up to 500, `L` above. */
  size: z.enum(['S', 'M', 'L']).default('S'),
});

/** Resource units in ten seconds, by the size of the tenant. */
const UNITS = { S: 3_500, M: 5_000, L: 8_000 } as const;

const MAILBOX_CALLS = ['messages', 'createEvent'];

/** An account is one tenant. The app's own id and secret are had from the environment, or from the account's `extra`. */
export const microsoftGraph = defineProvider(settings, {
  id: 'microsoft-graph',
  baseUrl: 'https://graph.microsoft.com/v1.0',
  hosts: ['graph.microsoft.com', 'login.microsoftonline.com'],
  // https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow
  auth: oauth2({
    grant: 'client_credentials',
    tokenUrl: ({ settings: { tenantId } }) => `https://login.microsoftonline.com/${tenantId}/oauth2/v2.0/token`,
    clientId: ({ extra }) => extra?.['clientId'] ?? process.env['MICROSOFT_CLIENT_ID'],
    clientSecret: ({ extra }) => extra?.['clientSecret'] ?? process.env['MICROSOFT_CLIENT_SECRET'],
    clientAuth: 'body',
    params: { scope: 'https://graph.microsoft.com/.default' },
  }),
  limits: [
    // Identity and access: a token bucket of resource units. What a call has cost stands in a header.
    bucket('units', {
      by: ['account'],
      perSecond: ({ settings: { size } }) => UNITS[size] / 10,
      burst: ({ settings: { size } }) => UNITS[size],
      endpoints: ['changedUsers', 'user'],
      cost: 2,
      actualCost: ({ headers }) => Number(headers['x-ms-resource-unit'] ?? Number.NaN),
    }),
    // Outlook: for each app and mailbox.
    window('mailbox', { by: ['account', mailbox], max: 10_000, perMs: minutes(10), endpoints: MAILBOX_CALLS }),
    inflight('mailbox-at-once', { by: ['account', mailbox], max: 4, endpoints: MAILBOX_CALLS }),
    window('all', { by: ['app'], max: 130_000, perMs: seconds(10), except: ['refresh'] }),
  ],
  // 429 and 503 say when to come back, which is known by itself.
  classify: rules([
    when(
      bodyField('error.code', 'syncStateNotFound', 'SyncStateNotFound', 'resyncRequired', 'SyncStateInvalid'),
      checkpointExpired(),
    ),
    // A user without a mailbox, or with one that is on a server of their own, has no mail here.
    when(
      status(404),
      bodyField('error.code', 'MailboxNotEnabledForRESTAPI', 'MailboxNotHostedInExchangeOnline'),
      endOfData(),
    ),
  ]),
});

function mailbox({ input }: CallFacts<z.output<typeof settings>>): string {
  return (input as { readonly user: string }).user;
}

/** A line of the delta: who has changed. The other fields may be left out, even of those that have not changed. */
export const ChangedUser = z.object({
  id: z.string(),
  '@removed': z.object({ reason: z.string() }).optional(),
});

export const User = z.object({
  id: z.string(),
  displayName: z.string().nullish(),
  userPrincipalName: z.string().nullish(),
  mail: z.string().nullish(),
  accountEnabled: z.boolean().nullish(),
  jobTitle: z.string().nullish(),
  department: z.string().nullish(),
});

export const Message = z.object({
  id: z.string(),
  subject: z.string().nullish(),
  from: z
    .object({ emailAddress: z.object({ name: z.string().nullish(), address: z.string().nullish() }).nullish() })
    .nullish(),
  receivedDateTime: z.string().nullish(),
  conversationId: z.string().nullish(),
  isRead: z.boolean().nullish(),
  hasAttachments: z.boolean().nullish(),
  bodyPreview: z.string().nullish(),
});

/** Asked for by name: what is not selected costs units, and is not told. */
const fieldsOf = (row: z.ZodObject): string => Object.keys(row.shape).join(',');

const listOf = <Row extends z.ZodType>(row: Row) =>
  z.object({
    value: z.array(row),
    '@odata.nextLink': z.string().optional(),
    '@odata.deltaLink': z.string().optional(),
  });

/** https://learn.microsoft.com/en-us/graph/api/user-delta */
export const changedUsers = microsoftGraph.endpoint('changedUsers', {
  input: z.object({ link: z.string().optional() }),
  response: listOf(ChangedUser),
  // What is selected at first is what counts as a change, and is part of every link that follows.
  request: ({ link }) => get(link ?? '/users/delta', link === undefined ? { $select: fieldsOf(User) } : {}),
  paginate: {
    kind: 'link',
    items: (answer) => answer.value,
    next: (answer) => answer['@odata.nextLink'],
    checkpoint: (answer) => answer['@odata.deltaLink'],
  },
});

/** https://learn.microsoft.com/en-us/graph/api/user-get */
export const user = microsoftGraph.endpoint('user', {
  input: z.object({ id: z.string() }),
  response: User,
  request: ({ id }) => get(path`/users/${id}`, { $select: fieldsOf(User) }),
});

/** https://learn.microsoft.com/en-us/graph/api/user-list-messages */
export const messages = microsoftGraph.endpoint('messages', {
  input: z.object({ user: z.string(), since: z.string().optional() }),
  response: listOf(Message),
  request: ({ user, since }, page) =>
    get(path`/users/${user}/messages`, {
      $select: fieldsOf(Message),
      $filter: since === undefined ? undefined : `receivedDateTime ge ${since}`,
      $orderby: 'receivedDateTime desc',
      $top: page.size,
    }),
  paginate: {
    kind: 'link',
    items: (answer) => answer.value,
    next: (answer) => answer['@odata.nextLink'],
    sizeParam: '$top',
    pageSize: { start: 100, min: 10, max: 1_000 },
  },
});
