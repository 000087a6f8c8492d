/**
 * What a provider is made of, and what can be wrong with it, in words. Next: `define-provider.ts` compiles it.
 */
import type { AccountFacts } from '../../contracts/account.ts';
import { plainHttpMistake } from '../../contracts/addresses.ts';
import type { RequestSpec } from '../../contracts/answers/answer.ts';
import { AUTH_CALLS } from '../../contracts/limits/auth-calls.ts';
import { hostMistake } from '../../contracts/hosts.ts';
import type { Auth } from '../auth/auth.ts';
import { limitMistakes, type LimitDeclaration } from '../limits.ts';
import type { Classify } from '../rules/rules.ts';
import {
  outOfRange,
  unknownOptions,
  wrongBooleans,
  wrongObject,
  type NamesOf,
} from '../../contracts/values/option-mistakes.ts';

export interface Timeouts {
  /** TCP and TLS handshake, milliseconds. Default 10,000. */
  readonly connectMs?: number;
  /** From sending to the status line, milliseconds. Default 30,000. */
  readonly headersMs?: number;
  /** Between two pieces of the body, milliseconds. Default 15,000. */
  readonly bodyMs?: number;
  /** The whole call, milliseconds: the ceiling that always interrupts. Default 60,000. */
  readonly totalMs?: number;
}

export interface ProviderOptions<Settings = undefined> {
  /** Lower-case letters, digits and `-`; part of limit keys, workflow search attributes and reports. */
  readonly id: string;
  /**
   * E.g. `https://api.social.example/v2`. Read at each call, so a function may take it from configuration, or, with `hosts`, from the
   * settings of the account: ({ settings }) => `https://${settings.shop}.shop.example/api`.
   */
  readonly baseUrl: string | ((of: AccountFacts<Settings>) => string);
  /**
   * Where an account's secrets may be sent: `*.shop.example` stands for one name before `.shop.example`, `*` alone for any host. A base
   * URL, or an address of `auth`, that is made from settings must be there. A host without a `*` may also be led to by a whole URL, e.g. in
   * a next link. Default: the origin of the base URL.
   */
  readonly hosts?: readonly string[];
  /** Default: `bearer()`. */
  readonly auth?: Auth<NoInfer<Settings>>;
  /**
   * A cheap call that only a good token is answered with success, e.g. `get('/me')`. It decides where `suspectAuth()` doubts: the rules
   * of the provider say what its answer means. A provider whose credentials can't be refreshed needs one to use `suspectAuth()`.
   */
  readonly authProbe?: RequestSpec;
  /** Every one that matches a call is charged, all together or not at all. */
  readonly limits: readonly LimitDeclaration<NoInfer<Settings>>[];
  /** Rules of this third party; what they leave undecided follows the defaults for HTTP. */
  readonly classify?: Classify;
  /** Sent with every call, e.g. an API version. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeouts?: Timeouts;
  /** A larger body, unpacked, is cut off and the page shrunk, in bytes. Default 8 MiB. */
  readonly maxBodyBytes?: number;
  /** Real attempts (waits are none) at one page before its unit fails. Default 10. */
  readonly maxAttempts?: number;
  /** `http:` addresses off this machine are called all the same, tokens and all. Default false. */
  readonly allowPlainHttp?: boolean;
  /** Addresses that come from an account or an answer may lead into a private network. Default false. */
  readonly allowPrivateAddresses?: boolean;
}

export const PROVIDER_OPTIONS = {
  id: true,
  baseUrl: true,
  hosts: true,
  auth: true,
  authProbe: true,
  limits: true,
  classify: true,
  headers: true,
  timeouts: true,
  maxBodyBytes: true,
  maxAttempts: true,
  allowPlainHttp: true,
  allowPrivateAddresses: true,
} satisfies NamesOf<ProviderOptions>;

const TIMEOUTS = { connectMs: true, headersMs: true, bodyMs: true, totalMs: true } satisfies NamesOf<Timeouts>;

/** What is wrong with a provider's options, in words. @param endpoints names of all that limits may name. */
export function providerMistakes(
  options: ProviderOptions<unknown>,
  hasSettings: boolean,
  endpoints: readonly string[],
): string[] {
  const mistakes: string[] = [];
  if (!/^[a-z][a-z0-9-]*$/.test(options.id))
    mistakes.push(`id "${options.id}": use lower-case letters, digits and "-", starting with a letter`);
  const ofTypes = typeMistakes(options);
  mistakes.push(...ofTypes.map(({ text }) => text));
  mistakes.push(...valueMistakes(standingIn(options, ofTypes), hasSettings, endpoints));
  return mistakes.map((text) => `provider "${options.id}": ${text}`);
}

/** What is wrong with options that are of the type that is wanted. */
function valueMistakes(
  options: ProviderOptions<unknown>,
  hasSettings: boolean,
  endpoints: readonly string[],
): string[] {
  const mistakes: string[] = [];
  const say = (text: string) => mistakes.push(text);
  if (typeof options.baseUrl === 'string' && !URL.canParse(options.baseUrl))
    say(`baseUrl "${options.baseUrl}" is not an absolute URL`);
  mistakes.push(...(options.auth?.mistakes ?? []), ...addressMistakes(options, hasSettings));
  const { timeouts = {} } = options;
  for (const text of [...unknownOptions(timeouts, TIMEOUTS), ...outOfRange(timeouts, Object.keys(TIMEOUTS), 1)])
    say(`timeouts: ${text}`);
  mistakes.push(...outOfRange(options, ['maxAttempts', 'maxBodyBytes'], 1));
  if (!options.allowPlainHttp) mistakes.push(...plainHttpMistakes(options));
  const names = options.limits.map(({ name }) => name);
  for (const name of new Set(names.filter((name, index) => names.indexOf(name) !== index)))
    say(`limit "${name}" is defined twice`);
  for (const name of AUTH_CALLS)
    if (endpoints.includes(name))
      say(`no endpoint may be called "${name}": under this name limits know a call for an account's credentials`);
  const ofAuth = {
    connect: options.auth?.authorize,
    refresh: options.auth?.refresh,
    probe: options.authProbe,
    revoke: options.auth?.revoke,
  };
  const authCalls = AUTH_CALLS.filter((name) => ofAuth[name] !== undefined);
  for (const declaration of options.limits) mistakes.push(...limitMistakes(declaration, [...endpoints, ...authCalls]));
  return mistakes;
}

interface TypeMistake {
  readonly name: keyof ProviderOptions<unknown>;
  readonly text: string;
}

/** What stands for an option of another type while the others are looked into: nothing is wrong with it, or for want of it. */
const STAND_INS: Readonly<Record<string, unknown>> = {
  baseUrl: () => '',
  hosts: ['*'],
  auth: { refresh: { url: '' }, authorize: { pageUrl: '' }, revoke: {} },
  authProbe: {},
  limits: [],
  allowPlainHttp: true,
};

function standingIn(options: ProviderOptions<unknown>, wrong: readonly TypeMistake[]): ProviderOptions<unknown> {
  return { ...options, ...Object.fromEntries(wrong.map(({ name }) => [name, STAND_INS[name]])) };
}

/** Options of another type than is wanted: what is read of them later would be undefined, or throw. */
function typeMistakes(options: ProviderOptions<unknown>): TypeMistake[] {
  const { baseUrl, auth, limits, hosts, headers, authProbe } = options as unknown as Readonly<Record<string, unknown>>;
  const mistakes: TypeMistake[] = [];
  const say = (name: TypeMistake['name'], ...texts: readonly string[]) =>
    mistakes.push(...texts.map((text) => ({ name, text })));
  say('timeouts', ...wrongObject(options, 'timeouts', '{ totalMs: 60_000 }'));
  say('headers', ...wrongObject(options, 'headers', "{ 'api-version': '2026-01-01' }"));
  for (const name of ['allowPlainHttp', 'allowPrivateAddresses'] as const) say(name, ...wrongBooleans(options, [name]));
  if (typeof baseUrl !== 'string' && typeof baseUrl !== 'function')
    say(
      'baseUrl',
      '`baseUrl` is missing; write an address, e.g. "https://api.social.example", or a function that gives one',
    );
  // A function has an `apply` of its own: `auth: bearer` was not called.
  const isAuth = typeof auth !== 'function' && (has(auth, 'apply', 'function') || has(auth, 'mistakes', 'object'));
  if (auth !== undefined && !isAuth)
    say('auth', '`auth` is none; write what bearer(), apiKey({ … }), oauth2({ … }) and their like give');
  if (authProbe !== undefined && !has(authProbe, 'path', 'string'))
    say('authProbe', "`authProbe` is no request; write e.g. get('/me')");
  if (hosts !== undefined && !Array.isArray(hosts)) say('hosts', '`hosts` must be a list, e.g. ["*.shop.example"]');
  if (!Array.isArray(limits) || !limits.every((each) => has(each, 'specFor', 'function')))
    say('limits', '`limits` must be a list of what window(), bucket(), calendar(), inflight() and learned() give');
  for (const [name, value] of Object.entries(headers ?? {}))
    if (typeof value !== 'string') say('headers', `headers: \`${name}\` is no text`);
  return mistakes;
}

function has(value: unknown, name: string, type: 'function' | 'string' | 'object'): boolean {
  return typeof (value as Readonly<Record<string, unknown>> | null | undefined)?.[name] === type;
}

/** Secrets go nowhere that the definition does not say. */
function addressMistakes({ baseUrl, hosts, auth }: ProviderOptions<unknown>, hasSettings: boolean): string[] {
  const takesAccount = typeof baseUrl === 'function' && baseUrl.length > 0;
  const mistakes = (hosts ?? []).map(hostMistake).filter((mistake) => mistake !== undefined);
  if (hosts?.length === 0)
    mistakes.push('`hosts` is empty; leave it out, or name a host, e.g. hosts: ["*.shop.example"]');
  if (takesAccount && !hosts)
    mistakes.push(
      '`baseUrl` is made from the account, so say which hosts may be sent its secrets, e.g. hosts: ["*.shop.example"], or ["*"] for any',
    );
  if (takesAccount && !hasSettings)
    mistakes.push(
      '`baseUrl` takes the account, which has no settings: give their schema first, defineProvider(z.object({ shop: z.string() }), { … })',
    );
  if (hasSettings && !hosts && auth?.refresh && auth.refresh.url === undefined)
    mistakes.push(
      `the address of the refresh of credentials is given by a function, which sees the account: say in \`hosts\` where it may lead, e.g. hosts: ["${exampleHost(baseUrl)}"]`,
    );
  if (auth?.certificate && typeof baseUrl === 'string' && /^http:/i.test(baseUrl))
    mistakes.push(`\`baseUrl\` is "${baseUrl}", where no client certificate can be shown; mtls() needs "https://…"`);
  if (hasSettings && !hosts && auth?.authorize && auth.authorize.pageUrl === undefined)
    mistakes.push(
      'the page where users consent is made from the account: say in `hosts` where it may lead, e.g. hosts: ["*.shop.example"]',
    );
  return mistakes;
}

/** The provider's own, where it is the same for all accounts. */
function exampleHost(baseUrl: unknown): string {
  return typeof baseUrl === 'string' && URL.canParse(baseUrl) ? new URL(baseUrl).host : '*.shop.example';
}

/** What a function gives is looked at when it is called. */
function plainHttpMistakes({ baseUrl, auth }: ProviderOptions<unknown>): string[] {
  const addresses = {
    baseUrl: typeof baseUrl === 'string' ? baseUrl : '',
    'the refresh of credentials': auth?.refresh?.url ?? '',
  };
  return Object.entries(addresses).flatMap(([what, address]) => {
    const mistake = plainHttpMistake(address);
    return mistake === undefined ? [] : [`${what} ${mistake}`];
  });
}

/** What is wrong with `conditional` of an endpoint, in words. */
export function conditionalMistakes(conditional: unknown, paginate: { readonly kind: string } | undefined): string[] {
  if (conditional === undefined) return [];
  if (conditional !== 'whole' && conditional !== 'first-page')
    return [`conditional is ${JSON.stringify(conditional)}; it must be "whole" or "first-page"`];
  const { kind = 'single' } = paginate ?? {};
  if (conditional === 'whole' && kind !== 'single')
    return [
      `conditional is "whole", but one answer is not the whole list (paginate.kind "${kind}"); write "first-page" where the third party puts what is new or changed on the first page`,
    ];
  return [];
}
