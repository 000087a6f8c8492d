/**
 * OAuth 1: each request is signed with the app's secret and the account's. Pure. Next: `auth.ts`.
 * @see RFC 5849 §3.4 (signature), §3.5.1 (Authorization header)
 */
import { createHmac } from 'node:crypto';
import type { AccountFacts } from '../../contracts/account.ts';
import type { Credentials } from '../../contracts/secrets/credentials.ts';
import type { Auth, UnsignedRequest } from './auth.ts';
import { missingFunctions, unknownOptions, type NamesOf } from '../../contracts/values/option-mistakes.ts';
import { percentEncoded } from './percent-encoded.ts';

const ALGORITHMS = { 'HMAC-SHA1': 'sha1', 'HMAC-SHA256': 'sha256' } as const;

export interface OAuth1Options<Settings = unknown> {
  /** Key of the app. A function may take it from the credentials, where each account has one of its own. */
  readonly consumerKey: string | ((credentials: Credentials) => string | undefined);
  /** Read at each call, e.g. `() => process.env.SOCIAL_SECRET`, or `({ extra }) => extra?.['consumerSecret']`. */
  readonly consumerSecret: (credentials: Credentials) => string | undefined;
  /** Default `HMAC-SHA1`, which most of these services know alone. */
  readonly method?: keyof typeof ALGORITHMS;
  /** Where the third party wants one, which may be the account's: `({ settings }) => settings.company`. */
  readonly realm?: string | ((of: AccountFacts<Settings>) => string);
}

const OPTIONS = {
  consumerKey: true,
  consumerSecret: true,
  method: true,
  realm: true,
} satisfies NamesOf<OAuth1Options>;

/**
 * Signs with the app's key and the account's token: `{ accessToken, extra: { tokenSecret } }`. An account without a token is called with
 * the app's key alone.
 */
export function oauth1<Settings = unknown>(options: OAuth1Options<Settings>): Auth<Settings> {
  const { method = 'HMAC-SHA1', realm } = options;
  const algorithm = ALGORITHMS[method] as string | undefined;
  return {
    kind: 'oauth1',
    required: true,
    isTimed: true,
    mistakes: [
      ...missingFunctions(options, ['consumerSecret']),
      ...(options.consumerKey
        ? []
        : ['oauth1: `consumerKey` is missing; write the key of the app, or a function that reads it']),
      ...unknownOptions(options, OPTIONS).map((text) => `oauth1: ${text}`),
      ...(algorithm ? [] : [`oauth1: method is "${method}"; it must be one of ${Object.keys(ALGORITHMS).join(', ')}`]),
      ...(realm === undefined || ['string', 'function'].includes(typeof realm)
        ? []
        : ['oauth1: `realm` must be a text, or a function that takes it from the account']),
    ],
    secrets: () => appSecret(options),
    apply: (credentials, request) => {
      const { accessToken: token, extra } = credentials ?? {};
      const key =
        typeof options.consumerKey === 'function' ? options.consumerKey(credentials ?? {}) : options.consumerKey;
      const secret = options.consumerSecret(credentials ?? {});
      if (!key || !secret)
        throw new TypeError(
          'oauth1: `consumerKey` or `consumerSecret` gave nothing; is its environment variable set, or does the account lack it?',
        );
      if (token && extra?.['tokenSecret'] === undefined)
        throw new TypeError("The account's credentials have no `extra.tokenSecret`, which oauth1() auth needs.");
      const parameters = {
        oauth_consumer_key: key,
        ...(token ? { oauth_token: token } : {}),
        oauth_signature_method: method,
        oauth_timestamp: String(Math.floor(request.now.getTime() / 1_000)),
        oauth_nonce: request.nonce,
        oauth_version: '1.0',
      };
      const signingKey = `${percentEncoded(secret)}&${percentEncoded(extra?.['tokenSecret'] ?? '')}`;
      const signature = createHmac(algorithm as string, signingKey)
        .update(baseString(request, parameters))
        .digest('base64');
      const fields = Object.entries({ ...parameters, oauth_signature: signature });
      const stated = fields.map(([name, value]) => `${name}="${percentEncoded(value)}"`);
      const ofAccount = typeof realm === 'function' ? realm(request) : realm;
      if (ofAccount !== undefined) stated.unshift(`realm="${ofAccount.replaceAll(/["\\]/g, '\\$&')}"`);
      return { headers: { authorization: `OAuth ${stated.join(', ')}` } };
    },
  };
}

function appSecret<Settings>({ consumerSecret }: OAuth1Options<Settings>): (string | undefined)[] {
  try {
    return [consumerSecret({})];
  } catch {
    return []; // it reads credentials that are not there: then it is none of the app's
  }
}

/** Method, address and all parameters, of the form too. */
export function baseString(
  { method, url, headers, body }: Pick<UnsignedRequest, 'method' | 'url' | 'headers' | 'body'>,
  parameters: Readonly<Record<string, string>>,
): string {
  const isForm = headers['content-type']?.startsWith('application/x-www-form-urlencoded') ?? false;
  const all = [...Object.entries(parameters), ...url.searchParams, ...(isForm ? new URLSearchParams(body) : [])];
  const encoded = all.map(([name, value]) => [percentEncoded(name), percentEncoded(value)] as const);
  const sorted = encoded.toSorted(([a, x], [b, y]) => compare(a, b) || compare(x, y));
  const joined = sorted.map(([name, value]) => `${name}=${value}`).join('&');
  return [method.toUpperCase(), url.origin + url.pathname, joined].map(percentEncoded).join('&');
}

/** By bytes: what is encoded is ASCII. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
