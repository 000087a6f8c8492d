/**
 * What both halves of a login work with, and who it is for. Used by: `begin-login.ts`, `finish-login.ts`.
 */
import type { AccountFacts } from '../contracts/account.ts';
import { SettingsMistake } from '../contracts/account.ts';
import type { HttpSender } from '../activities/index.ts';
import type { Sluice } from '../client/index.ts';
import { checkAccount, checkName } from '../client/options/check-options.ts';
import { tenantOfAccount, type Pool } from '../db/index.ts';
import type { Limiter } from '../limiter/index.ts';
import type { Authorize } from '../providers/auth/authorize.ts';
import type { Provider } from '../providers/define/define-provider.ts';
import type { LoginCookie } from './login-secrets.ts';
import { LoginStopped } from './outcome.ts';

/** For whom an account is connected. */
export interface Who {
  /** The account that is connected, by the name that syncs are started with. */
  readonly account: string;
  /** Whose it is. Default: nobody's, or the tenant that the client is bound to. */
  readonly tenant?: string;
  /** Who acts, for the audit. Default `system`. */
  readonly by?: `user:${string}`;
  /** Settings of the account that the provider needs before its user can log in, e.g. `{ shop: 'acme' }`. Default: those that it has. */
  readonly settings?: object;
}

export interface LoginLog {
  error(fields: object, message: string): void;
}

export interface LoginParts {
  readonly sluice: Sluice;
  readonly pool: Pool;
  readonly boundTo: string | undefined;
  readonly providers: ReadonlyMap<string, Provider>;
  readonly at: URL;
  readonly who: (request: Request) => Who | undefined | Promise<Who | undefined>;
  readonly returnTo: string;
  readonly lifeMs: number;
  readonly egress: string;
  readonly http: HttpSender;
  readonly limiter: Limiter;
  readonly log: LoginLog;
  readonly cookie: LoginCookie;
}

export interface KnownWho {
  readonly account: string;
  readonly tenant: string | null;
  readonly by: `user:${string}` | 'system';
  readonly settings: object | undefined;
}

/** @throws LoginStopped when the app knows nobody of this request, or the account belongs to another tenant. */
export async function knownWho(parts: LoginParts, provider: Provider, request: Request): Promise<KnownWho> {
  const who = await parts.who(request);
  if (!who) throw new LoginStopped('nobody', 'Log in to this app first, and begin again.');
  const { account, by = 'system', settings } = who;
  checkAccount(account);
  const tenant = who.tenant ?? parts.boundTo ?? null;
  if (tenant !== null) checkName('tenant', tenant);
  if (parts.boundTo !== undefined && tenant !== parts.boundTo)
    throw new TypeError(`\`who\` gave tenant "${tenant}", and the client is bound to "${parts.boundTo}".`);
  const owner = await tenantOfAccount(parts.pool, provider.id, account);
  if (tenant !== null && owner !== undefined && owner !== tenant)
    throw new LoginStopped('other-tenant', 'This account belongs to somebody else here, so it can’t be connected.');
  return { account, tenant, by, settings };
}

export function redirectUriOf({ at }: LoginParts, { id }: Provider): string {
  return `${at.href.replace(/\/$/, '')}/${id}/callback`;
}

export function authorizeOf({ auth }: Provider): Authorize {
  return auth.authorize as Authorize;
}

/**
 * What the provider may know of the account. Settings that come with the tokens are not there yet.
 * @param settings as they were given, or the account has them; null when there are none.
 * @throws LoginStopped when they do not fit.
 */
export function factsOf(
  provider: Provider,
  { account, tenant }: Pick<KnownWho, 'account' | 'tenant'>,
  settings: unknown,
  { mayBePartial = authorizeOf(provider).settings !== undefined }: { readonly mayBePartial?: boolean } = {},
): AccountFacts {
  const of = { account, tenant: tenant ?? account };
  try {
    const facts = { ...of, settings: provider.settingsOf(settings, account) };
    // Also where its calls would lead: nobody is sent away for an account that can't be called.
    provider.baseUrl(facts);
    return facts;
  } catch (error) {
    if (mayBePartial && error instanceof SettingsMistake) return { ...of, settings: settings ?? {} };
    throw settingsStop(error);
  }
}

/** A TypeError of settings, or of where they lead, is a sentence for who gave them. */
export function settingsStop(error: unknown, returnTo?: string): unknown {
  return error instanceof TypeError ? new LoginStopped('settings', error.message, returnTo) : error;
}
