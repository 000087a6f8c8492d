/**
 * A call of a refresh or a login: its request, and what its answer means; as facts, whatever the provider's code throws. What is
 * said about it holds no secret. Used by: `refresh-credentials.ts`.
 */
import type { AccountFacts } from '../../contracts/account.ts';
import type { Answer, RequestSpec } from '../../contracts/answers/answer.ts';
import type { Credentials } from '../../contracts/secrets/credentials.ts';
import { fitsHost } from '../../contracts/hosts.ts';
import { redact, secretsOf } from '../../contracts/secrets/redact.ts';
import { secretsInJson } from '../../contracts/secrets/secret-names.ts';
import { boundedLifeMs, jwtLifeMs, lifeLeftMs } from '../../contracts/secrets/token-life.ts';
import type { Refresh, RefreshAnswer } from '../../providers/auth/refresh.ts';
import type { Provider } from '../../providers/define/define-provider.ts';
import { accountFacts, type StoredAccount } from '../call/account-facts.ts';
import { authenticates, mayBePrivate, requestFor, withCertificate } from '../call/sign-request.ts';
import { thrown } from '../call/thrown.ts';
import { buildRequest } from '../http/build-request.ts';
import type { OutgoingRequest } from '../http/send.ts';
import { secretsOfCall } from './known-secrets.ts';

/** `none`: these credentials can't be refreshed. `mistake`: in the provider's code or the app's set-up. */
export type RefreshRequest =
  | { readonly kind: 'request'; readonly outgoing: OutgoingRequest }
  | { readonly kind: 'none' }
  | { readonly kind: 'mistake'; readonly reason: string };

export function refreshRequest(
  provider: Provider,
  refresh: Pick<Refresh, 'request' | 'url'>,
  credentials: Credentials,
  stored: StoredAccount,
): RefreshRequest {
  try {
    const of = accountFacts(provider, stored);
    const spec = refresh.request(credentials, of);
    if (!spec) return { kind: 'none' };
    const outgoing = withCertificate(provider, authRequest(provider, spec, of, refresh.url), credentials);
    return { kind: 'request', outgoing };
  } catch (error) {
    return { kind: 'mistake', reason: redact(threw('request', error), secretsOfCall(provider, credentials)) };
  }
}

/**
 * A request of the provider's auth; it may lead to another origin than its data.
 * @param statedUrl address by the definition. A whole address that no definition states may come from the account.
 * @throws TypeError
 */
export function authRequest(
  provider: Provider,
  spec: RequestSpec,
  of: AccountFacts,
  statedUrl?: string,
): OutgoingRequest {
  const origin = originOf(spec.path);
  if (origin === undefined) return requestFor(provider, spec, of);
  const url = new URL(origin);
  const isStated = statedUrl !== undefined;
  const { hosts } = provider;
  if (!isStated && hosts && !hosts.some((pattern) => fitsHost(pattern, url)))
    throw new TypeError(
      `A call for credentials leads to ${url.host}, but provider "${provider.id}" allows ${hosts.join(', ')} only (\`hosts\`); nothing was sent there.`,
    );
  return {
    ...buildRequest(spec, origin, {}, provider.headers, provider),
    isPublicOnly: !isStated && !mayBePrivate(provider, url),
  };
}

/** Whether credentials could be renewed, or had at all, by a call. A mistake counts: the call then says what it is. */
export function canRefresh(provider: Provider, credentials: Credentials, stored: StoredAccount): boolean {
  const { refresh } = provider.auth;
  try {
    return refresh?.request(credentials, accountFacts(provider, stored)) !== undefined;
  } catch {
    return true;
  }
}

/** How one call of a refresh, or of a login, is understood. */
export interface ReadCall {
  readonly parse: (answer: Answer) => RefreshAnswer;
  readonly url?: string;
}

export type Refreshed =
  /** Another call is part of it. */
  | { readonly kind: 'ask'; readonly outgoing: OutgoingRequest; readonly parse: ReadCall['parse'] }
  /** All secrets of the account from now on. `lifeMs` from now; null when it is not known. */
  | { readonly kind: 'refreshed'; readonly credentials: Credentials; readonly lifeMs: number | null }
  | Exclude<RefreshAnswer, { kind: 'refreshed' | 'ask' }>
  | { readonly kind: 'mistake'; readonly reason: string };

/** @param old what the refresh was made with. */
export function understandRefresh(
  provider: Provider,
  refresh: ReadCall,
  old: Credentials,
  stored: StoredAccount,
  answer: Answer,
): Refreshed {
  const clean = (reason: string): string => {
    const more = [...secretsInJson(jsonOf(answer.text)), ...secretsOf(old)];
    return redact(reason, secretsOfCall(provider, old, {}, more));
  };
  let result: RefreshAnswer;
  try {
    result = refresh.parse(answer);
  } catch (error) {
    return { kind: 'mistake', reason: clean(threw('parse', error)) };
  }
  switch ((result as RefreshAnswer | undefined)?.kind) {
    case 'refreshed':
      return merged(provider, old, stored, result as Extract<RefreshAnswer, { kind: 'refreshed' }>, answer);
    case 'ask': {
      const { request, parse } = result as Extract<RefreshAnswer, { kind: 'ask' }>;
      const next = refreshRequest(provider, { ...refresh, request: () => request }, old, stored);
      if (next.kind === 'mistake') return { kind: 'mistake', reason: clean(next.reason) };
      if (next.kind === 'request' && typeof parse === 'function')
        return { kind: 'ask', outgoing: next.outgoing, parse: (behind) => parse(behind) as RefreshAnswer };
      return {
        kind: 'mistake',
        reason:
          "`parse` of the refresh asked for a call without `request` or `parse`: return { kind: 'ask', request, parse }",
      };
    }
    case 'refused':
    case 'config':
    case 'retry': {
      const told = result as Exclude<RefreshAnswer, { kind: 'refreshed' | 'ask' }>;
      return { ...told, reason: clean(told.reason) };
    }
    default:
      return {
        kind: 'mistake',
        reason:
          "`parse` of the refresh gave no answer of a kind that is known. Return { kind: 'refreshed', credentials: { accessToken, … } }, { kind: 'ask', request, parse }, or { kind: 'refused' | 'retry' | 'config', reason }",
      };
  }
}

function merged(
  provider: Provider,
  old: Credentials,
  stored: StoredAccount,
  { credentials: brought, lifeMs }: Extract<RefreshAnswer, { kind: 'refreshed' }>,
  answer: Answer,
): Refreshed {
  const { expiresAt: _, version: __, refreshedAgoMs: ___, ...secrets } = { ...old, ...brought };
  if (!authenticates(provider, secrets, accountFacts(provider, stored)))
    return { kind: 'mistake', reason: '`parse` of the refresh brought nothing that a call can be authenticated with' };
  return { kind: 'refreshed', credentials: secrets, lifeMs: lifeOf(brought ?? {}, lifeMs, answer.elapsedMs) };
}

/** A life begins when the third party makes the token: at worst when the call was sent. An end in the past is another clock's. */
function lifeOf(brought: Credentials, lifeMs: number | undefined, elapsedMs: number): number | null {
  const stated = boundedLifeMs(lifeMs);
  if (stated !== undefined) return Math.max(0, stated - elapsedMs);
  const { expiresAt, accessToken } = brought;
  if (expiresAt !== undefined) return lifeLeftMs({ expiresAt }) || null;
  const own = accessToken === undefined ? undefined : jwtLifeMs(accessToken);
  return own === undefined ? lifeLeftMs(brought) || null : Math.max(0, own - elapsedMs);
}

function threw(what: 'request' | 'parse', error: unknown): string {
  const { name, message } = thrown(error);
  // Errors about settings are sentences of their own.
  if (
    what === 'request' &&
    error instanceof TypeError &&
    /^(oauth2:|mtls:|The (settings|base URL) of|The account's client|The account's credentials have no client|A call for)/.test(
      message,
    )
  )
    return message;
  return `\`${what}\` of the refresh threw ${name}: ${message}`;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // no JSON, no names in it
  }
}

function originOf(path: string): string | undefined {
  return /^https?:\/\//i.test(path) ? new URL(path).origin : undefined;
}
