/**
 * How accounts, what authenticates them, limits and answers are written. `docs/guides/any-api.md` shows these lines.
 */
import { createHmac } from 'node:crypto';
import { z } from 'zod';
import {
  apiKey,
  awsSigV4,
  bodyField,
  bucket,
  calendar,
  defineProvider,
  get,
  graphqlErrors,
  header,
  limited,
  numberAt,
  mtls,
  noAuth,
  oauth1,
  oauth2,
  okFalse,
  permanent,
  post,
  refreshAuth,
  rules,
  serviceAccount,
  skip,
  status,
  unknownWrite,
  when,
  window,
  minutes,
  type Auth,
} from '../../providers/index.ts';

export const shop = defineProvider(z.object({ shop: z.string(), plan: z.enum(['basic', 'plus']) }), {
  id: 'own-host',
  baseUrl: ({ settings }) => `https://${settings.shop}.shop.example/api`,
  hosts: ['*.shop.example'], // nothing else is ever sent a secret
  auth: apiKey({ header: 'x-access-token' }),
  limits: [
    bucket('points', {
      by: ['account'],
      perSecond: ({ settings }) => (settings.plan === 'plus' ? 1_000 : 100),
      burst: 2_000,
      cost: ({ pageSize }) => 2 + pageSize, // the most that it may be
      actualCost: numberAt('extensions.cost.actualQueryCost'),
      told: (answer) => ({ remaining: numberAt('extensions.cost.throttleStatus.currentlyAvailable')(answer) }),
    }),
  ],
  classify: rules([when(graphqlErrors('THROTTLED'), limited({ limit: 'points', afterMs: numberAt('retryInMs') }))]),
});

export const limits = [
  window('tier-2', { by: ['account', 'endpoint'], max: 20, perMs: minutes(1) }), // each method by itself
  calendar('day', { by: ['app'], max: 10_000, per: 'day', zone: 'America/Los_Angeles' }),
];

export const classify = rules([
  when(status(403), header('x-quota', 'spent'), limited({ afterMs: () => minutes(1) })), // usual words and headers are known
  when(okFalse('invalid_auth', 'token_expired'), refreshAuth()),
  when(okFalse('channel_not_found'), skip()), // this one item can't be had
  when(okFalse('fatal_error'), unknownWrite()), // a read is tried again, a write is looked up
  when(okFalse(), permanent('bug')),
  when(bodyField('error.code', 'no_scope'), permanent('auth')),
]);

export const ways: Auth[] = [
  oauth2({ tokenUrl: 'https://login.any.example/token', clientId: 'app', clientSecret: () => process.env['SECRET'] }),
  oauth2({ grant: 'client_credentials', tokenUrl: 'https://login.any.example/token', clientId: 'app' }),
  oauth2({ tokenUrl: 'https://login.any.example/token', clientId: 'app', send: { header: 'x-access-token' } }),
  apiKey({ header: 'authorization', prefix: 'Bot ' }), // or Token, SSWS …: a word of its own
  apiKey({ path: ':token' }), // with the base URL https://api.any.example/bot:token
  serviceAccount({ tokenUrl: 'https://oauth2.any.example/token', scope: 'calendar' }),
  oauth1({ consumerKey: 'key', consumerSecret: () => process.env['SECRET'] }),
  awsSigV4({ service: 'execute-api', region: 'eu-west-1' }),
  mtls(noAuth()),
  oauth2({ tokenUrl: '/token', clientId: 'app', authorize: { url: '/authorize', scope: 'read' } }), // sluice/connecting
];

export const ownSignature: Auth = {
  kind: 'own',
  required: true,
  apply: (credentials, { method, url, body = '', now, nonce }) => {
    const text = `${now.getTime()}${nonce}${method}${url.pathname}${url.search}${body}`;
    const sign = createHmac('sha256', credentials?.extra?.['key'] ?? '').update(text);
    return { headers: { 'x-nonce': nonce, 'x-time': String(now.getTime()), 'x-sign': sign.digest('hex') } };
  },
};

export const pay = shop.action('pay', {
  input: z.object({ amount: z.number() }),
  output: z.object({ id: z.string() }),
  request: ({ amount }, { idempotencyKey }) => post('/payments', { amount }, { 'idempotency-key': idempotencyKey }),
  idempotent: true, // a repeat with this key makes no second one
});

const Found = z.object({ notes: z.array(z.object({ id: z.string(), externalId: z.string() })) });
export const note = shop.action('note', {
  input: z.object({ text: z.string() }),
  output: z.object({ id: z.string() }),
  request: ({ text }, { idempotencyKey }) => post('/notes', { text, externalId: idempotencyKey }),
  whenUnknown: {
    lookup: (_, { acceptedAt }) => get('/notes', { since: acceptedAt }),
    found: (answer, _, of) => Found.parse(answer).notes.find(({ externalId }) => externalId === of.idempotencyKey),
  },
});
