/**
 * OAuth 2: calls with a Bearer token, renewed by its refresh token or by the client's own credentials. Pure.
 * Next: `refresh.ts`; `oauth2-answer.ts` has what answers mean.
 * @see RFC 6749 §6 and §4.4 (requests), §2.3.1 (client authentication), RFC 7009 (revocation)
 */
import type { AccountFacts } from '../../contracts/account.ts';
import type { RequestSpec } from '../../contracts/answers/answer.ts';
import type { Credentials } from '../../contracts/secrets/credentials.ts';
import { unknownOptions, type NamesOf } from '../../contracts/values/option-mistakes.ts';
import { apiKey, bearer, type Auth } from './auth.ts';
import { authorizeMistakes, isAddress, type Authorize, type AuthorizeOptions } from './authorize.ts';
import { keyPlaceMistakes, type KeyPlace } from './key-place.ts';
import { parseTokenAnswer } from './oauth2-answer.ts';
import { DEFAULT_SKEW_MS } from './refresh.ts';

/** A text, or where it is read at each use: the environment, or the account's credentials. */
type FromCredentials = (credentials: Credentials) => string | undefined;

/** Read at each use. One that takes the account's settings must lead to one of the provider's `hosts`. */
export type AuthAddress<Settings = unknown> = string | ((of: AccountFacts<Settings>) => string);

export interface OAuth2Options<Settings = unknown> {
  /** E.g. `https://auth.social.example/oauth/token`; a path is below the provider's base URL. */
  readonly tokenUrl: AuthAddress<Settings>;
  /** A function may take it from the credentials, where each account has a client of its own. */
  readonly clientId: string | FromCredentials;
  /** Read at each refresh, e.g. `() => process.env.SOCIAL_SECRET`. Leave it out for public clients. */
  readonly clientSecret?: FromCredentials;
  /** `basic` is what every server must take; `body` is what many want. Default `basic`. */
  readonly clientAuth?: 'basic' | 'body';
  /** Where calls have the access token. Default: the header `Authorization`, behind `Bearer `. */
  readonly send?: KeyPlace;
  /**
   * What a new token is had with. It is the account's refresh token, or the client's own id and secret, without any
   * login of a user (RFC 6749 §4.4). Default `refresh_token`.
   */
  readonly grant?: 'refresh_token' | 'client_credentials';
  /** Refresh this long before the token ends. Default 60,000 ms, and at most a fifth of the token's life. */
  readonly skewMs?: number;
  /**
   * Does each refresh bring a new refresh token and end the old one? Then a refresh whose answer was lost is repeated
   * at once, within the leeway that many services leave. A new refresh token is kept in any case. Default true.
   */
  readonly rotates?: boolean;
  /** Error codes of this third party that mean what `invalid_grant` means, e.g. `bad_refresh_token`. */
  readonly refusedErrors?: readonly string[];
  /** Sent with every refresh, e.g. an audience or a scope. */
  readonly params?: Readonly<Record<string, string>>;
  /** Where `accounts.disconnect({ revoke: true })` revokes the refresh token, else the access token (RFC 7009). */
  readonly revokeUrl?: AuthAddress<Settings>;
  /** Lets accounts be connected through a browser, by `sluice/connecting`. Default: an app brings the tokens itself. */
  readonly authorize?: AuthorizeOptions<Settings>;
}

const OPTIONS = {
  tokenUrl: true,
  clientId: true,
  clientSecret: true,
  clientAuth: true,
  send: true,
  grant: true,
  skewMs: true,
  rotates: true,
  refusedErrors: true,
  params: true,
  revokeUrl: true,
  authorize: true,
} satisfies NamesOf<OAuth2Options>;

type ClientOptions = Pick<OAuth2Options, 'clientId' | 'clientSecret' | 'clientAuth'>;

/** Bearer tokens that are renewed at a token endpoint. */
export function oauth2<Settings = unknown>(options: OAuth2Options<Settings>): Auth<Settings> {
  const { skewMs = DEFAULT_SKEW_MS, rotates = true, revokeUrl, grant = 'refresh_token' } = options;
  return {
    ...(options.send === undefined ? bearer() : apiKey(options.send)),
    kind: 'oauth2',
    mistakes: oauth2Mistakes(options, grant),
    secrets: () => appSecrets(options),
    refresh: {
      skewMs,
      rotates: rotates && grant === 'refresh_token',
      ...(grant === 'client_credentials' && isOfApp(options) ? { isOfApp: true } : {}),
      ...statedUrl(options.tokenUrl),
      request: (credentials, of) => {
        const { refreshToken } = credentials;
        if (grant === 'client_credentials')
          return clientRequest(options, credentials, addressFor(options.tokenUrl, of), {
            grant_type: grant,
            ...options.params,
          });
        if (refreshToken === undefined) return undefined;
        const form = { grant_type: grant, refresh_token: refreshToken, ...options.params };
        return clientRequest(options, credentials, addressFor(options.tokenUrl, of), form);
      },
      parse: (answer) => parseTokenAnswer(answer, options.refusedErrors),
    },
    ...(revokeUrl === undefined
      ? {}
      : {
          revoke: {
            ...statedUrl(revokeUrl),
            request: (credentials, of) => revocation(options, credentials, addressFor(revokeUrl, of)),
          },
        }),
    ...(options.authorize ? { authorize: authorization(options, options.authorize) } : {}),
  };
}

/** Neither is read from the account's credentials. */
function isOfApp({ clientId, clientSecret }: ClientOptions): boolean {
  return [clientId, clientSecret].every((given) => typeof given !== 'function' || given.length === 0);
}

/** @see RFC 6749 §4.1.1 and §4.1.3, RFC 7636 §4 */
function authorization<Settings>(
  options: OAuth2Options<Settings>,
  { url, scope, params, issuer, settings }: AuthorizeOptions<Settings>,
): Authorize<Settings> {
  const { url: pageUrl } = statedUrl(url);
  const { url: tokenUrl } = statedUrl(options.tokenUrl);
  return {
    ...(pageUrl === undefined ? {} : { pageUrl }),
    ...(tokenUrl === undefined ? {} : { tokenUrl }),
    issuer,
    settings,
    page: ({ redirectUri, state, codeChallenge }, of) => ({
      method: 'GET',
      path: addressFor(url, of),
      query: {
        response_type: 'code',
        client_id: statedClientId(options, {}),
        redirect_uri: redirectUri,
        scope,
        ...params,
        state,
        code_challenge: codeChallenge,
        code_challenge_method: 'S256',
      },
    }),
    request: ({ code, codeVerifier, redirectUri }, of) =>
      clientRequest(options, {}, addressFor(options.tokenUrl, of), {
        grant_type: 'authorization_code',
        code,
        redirect_uri: redirectUri,
        code_verifier: codeVerifier,
      }),
    parse: (answer) => parseTokenAnswer(answer, options.refusedErrors, 'exchange of the code'),
  };
}

function oauth2Mistakes(options: OAuth2Options<never>, grant: string): string[] {
  const { tokenUrl, clientId, clientAuth = 'basic', revokeUrl = '/' } = options;
  const mistakes = unknownOptions(options, OPTIONS);
  if (options.send !== undefined) mistakes.push(...keyPlaceMistakes('`send`', options.send));
  if (!isAddress(tokenUrl))
    mistakes.push(
      `\`tokenUrl\` is ${JSON.stringify(tokenUrl) ?? 'missing'}; write e.g. "https://auth.example/oauth/token"`,
    );
  if (!isAddress(revokeUrl))
    mistakes.push(`\`revokeUrl\` is ${JSON.stringify(revokeUrl)}; write e.g. "https://auth.example/oauth/revoke"`);
  if (typeof clientId !== 'function' && (typeof clientId !== 'string' || clientId === ''))
    mistakes.push(
      '`clientId` is missing; write the id that the third party gave this app, or a function that reads it',
    );
  if (options.clientSecret !== undefined && typeof options.clientSecret !== 'function')
    mistakes.push('`clientSecret` must be a function, e.g. () => process.env.SOCIAL_SECRET');
  if (!['basic', 'body'].includes(clientAuth))
    mistakes.push(`\`clientAuth\` is "${clientAuth}"; it must be "basic" or "body"`);
  if (!['refresh_token', 'client_credentials'].includes(grant))
    mistakes.push(`\`grant\` is "${grant}"; it must be "refresh_token" or "client_credentials"`);
  return [...mistakes.map((text) => `oauth2: ${text}`), ...authorizeMistakes(options.authorize, grant)];
}

/** An address that takes nothing of the account is the definition's own. */
export function statedUrl<Settings>(address: AuthAddress<Settings>): { readonly url?: string } {
  if (typeof address === 'function') return address.length === 0 ? { url: '' } : {};
  return { url: address };
}

export function addressFor<Settings>(address: AuthAddress<Settings>, of: AccountFacts<Settings>): string {
  return typeof address === 'string' ? address : address(of);
}

function revocation(options: ClientOptions, credentials: Credentials, url: string): RequestSpec | undefined {
  const { refreshToken, accessToken } = credentials;
  const token = refreshToken ?? accessToken;
  if (token === undefined) return undefined;
  const hint = refreshToken === undefined ? 'access_token' : 'refresh_token';
  return clientRequest(options, credentials, url, { token, token_type_hint: hint });
}

/** @throws TypeError when the client's id or secret is not set where it should be. */
function clientRequest(
  options: ClientOptions,
  credentials: Credentials,
  url: string,
  form: Readonly<Record<string, string>>,
): RequestSpec {
  const { clientAuth = 'basic' } = options;
  const clientId = statedClientId(options, credentials);
  const secret = options.clientSecret?.(credentials);
  if (options.clientSecret && !secret)
    throw new TypeError('oauth2: `clientSecret` gave nothing; is its environment variable set?');
  const isBasic = clientAuth === 'basic' && secret !== undefined;
  return {
    method: 'POST',
    path: url,
    form: {
      ...form,
      ...(isBasic ? {} : { client_id: clientId }),
      ...(isBasic || secret === undefined ? {} : { client_secret: secret }),
    },
    ...(isBasic ? { headers: { authorization: basicAuthorization(clientId, secret) } } : {}),
  };
}

function statedClientId(options: ClientOptions, credentials: Credentials): string {
  const clientId = idOf(options, credentials);
  if (!clientId) throw new TypeError('oauth2: `clientId` gave nothing; is its environment variable set?');
  return clientId;
}

function idOf({ clientId }: ClientOptions, credentials: Credentials): string | undefined {
  return typeof clientId === 'function' ? clientId(credentials) : clientId;
}

/** What stands in the environment; a client of the account's own is among its credentials. */
function appSecrets(options: ClientOptions): (string | undefined)[] {
  try {
    const [id, secret] = [idOf(options, {}), options.clientSecret?.({})];
    return id && secret ? [secret, basicAuthorization(id, secret).slice('Basic '.length)] : [secret];
  } catch {
    return []; // it reads credentials that are not there: then it is none of the app's
  }
}

/** Id and secret are form-encoded first: RFC 6749 §2.3.1. */
function basicAuthorization(id: string, secret: string): string {
  const encode = (text: string) => encodeURIComponent(text).replaceAll('%20', '+');
  return `Basic ${Buffer.from(`${encode(id)}:${encode(secret)}`, 'utf8').toString('base64')}`;
}
