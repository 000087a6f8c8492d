/**
 * How an account is connected through a browser (RFC 6749 §4.1) with PKCE (RFC 7636). It has the page of the third
 * party where its user consents, and the request that changes the returned code for tokens. Pure; the handlers that an
 * app mounts are in `connecting/`.
 * Next: `oauth2.ts` makes it from its options.
 */
import type { AccountFacts } from '../../contracts/account.ts';
import { plainHttpMistake } from '../../contracts/addresses.ts';
import type { Answer, RequestSpec } from '../../contracts/answers/answer.ts';
import { kindOf, unknownOptions, type NamesOf } from '../../contracts/values/option-mistakes.ts';
import type { AuthAddress } from './oauth2.ts';
import type { RefreshAnswer } from './refresh.ts';

export interface AuthorizeOptions<Settings = unknown> {
  /** The page where the user consents, e.g. `https://social.example/oauth/authorize`; a path is below the provider's base URL. */
  readonly url: AuthAddress<Settings>;
  /** What is asked for, with spaces in between. Default: left out, which is what the third party gives by itself. */
  readonly scope?: string;
  /** Sent to that page besides, e.g. `{ access_type: 'offline', prompt: 'consent' }` where a refresh token is given for that alone. */
  readonly params?: Readonly<Record<string, string>>;
  /**
   * Who answers, where the third party says so with `iss` (RFC 9207), e.g. `https://social.example`. Another one, or none, is refused then.
   * Default: not looked at.
   */
  readonly issuer?: string;
  /**
   * Settings of the account that come with its tokens, e.g. (token) => ({ host: token.instance_url }). They are put over those that it has
   * and held against the provider's schema.
   */
  readonly settings?: (token: Readonly<Record<string, unknown>>, of: AccountFacts<Settings>) => object;
}

export interface Authorize<Settings = unknown> {
  /** The page as the definition says it; without it the address may come from the account. */
  readonly pageUrl?: string;
  readonly page: (asked: AskedConsent, of: AccountFacts<Settings>) => RequestSpec;
  readonly issuer?: string | undefined;
  /** Where the code is changed for tokens, as the definition says it. */
  readonly tokenUrl?: string;
  readonly request: (grant: CodeGrant, of: AccountFacts<Settings>) => RequestSpec;
  readonly parse: (answer: Answer) => RefreshAnswer;
  readonly settings?: AuthorizeOptions<Settings>['settings'] | undefined;
}

export interface AskedConsent {
  /** Where the browser comes back to; the third party has it registered. */
  readonly redirectUri: string;
  readonly state: string;
  /** Of the kind S256. */
  readonly codeChallenge: string;
}

export interface CodeGrant {
  readonly code: string;
  readonly codeVerifier: string;
  readonly redirectUri: string;
}

const OPTIONS = {
  url: true,
  scope: true,
  params: true,
  issuer: true,
  settings: true,
} satisfies NamesOf<AuthorizeOptions>;

/** Sluice sends these itself. */
const OURS = [
  'response_type',
  'client_id',
  'redirect_uri',
  'state',
  'scope',
  'code_challenge',
  'code_challenge_method',
];

/** What is wrong with `authorize` of oauth2(), in words. */
export function authorizeMistakes(options: AuthorizeOptions<never> | undefined, grant: string): string[] {
  if (options === undefined) return [];
  if (typeof options !== 'object' || options === null)
    return [`authorize is ${kindOf(options)}; write authorize: { url: "https://social.example/oauth/authorize" }`];
  const { url, params = {}, issuer, settings, scope } = options;
  const mistakes = unknownOptions(options, OPTIONS);
  if (grant !== 'refresh_token')
    mistakes.push(`is given with grant "${grant}", which knows no user; leave one of both out`);
  if (!isAddress(url))
    mistakes.push(
      `\`url\` is ${JSON.stringify(url) ?? 'missing'}; write e.g. "https://social.example/oauth/authorize"`,
    );
  if (scope !== undefined && (typeof scope !== 'string' || scope.trim() === ''))
    mistakes.push(`\`scope\` is ${JSON.stringify(scope)}; write the names with spaces in between, e.g. "read offline"`);
  for (const name of OURS.filter((each) => Object.hasOwn(params, each)))
    mistakes.push(`\`params\` has "${name}", which is sent by itself${name === 'scope' ? '; write `scope`' : ''}`);
  if (issuer !== undefined && !(typeof issuer === 'string' && /^https?:/.test(issuer) && URL.canParse(issuer)))
    mistakes.push(`\`issuer\` is ${JSON.stringify(issuer)}; write the URL that the third party sends as \`iss\``);
  if (settings !== undefined && typeof settings !== 'function')
    mistakes.push('`settings` must be a function, e.g. (token) => ({ host: token.instance_url })');
  const inClear = typeof url === 'string' ? plainHttpMistake(url) : undefined;
  if (inClear !== undefined) mistakes.push(`\`url\` ${inClear}`);
  return mistakes.map((text) => `oauth2: authorize: ${text}`);
}

/** A function, a path, or a whole address. */
export function isAddress(url: unknown): boolean {
  if (typeof url === 'function') return true;
  return typeof url === 'string' && (url.startsWith('/') || (/^https?:\/\//i.test(url) && URL.canParse(url)));
}
