/**
 * Changes a code for tokens. It is one call, with a permit of the provider's limits and under the clocks of any call.
 * It goes to the address that the definition states or its hosts allow. It is sent once: a code is good for one use.
 * Used by: `finish-login.ts`.
 * @see RFC 6749 §4.1.3, RFC 7636 §4.5
 */
import { authRequest, takeAuthPermit, understandRefresh } from '../activities/index.ts';
import type { NewCredentials } from '../client/index.ts';
import { redact } from '../contracts/secrets/redact.ts';
import { readAccount } from '../db/stores/account/account-store.ts';
import { LimiterUnavailable } from '../limiter/index.ts';
import type { Provider } from '../providers/define/define-provider.ts';
import { authorizeOf, factsOf, redirectUriOf, settingsStop, type KnownWho, type LoginParts } from './login-parts.ts';
import { LoginStopped } from './outcome.ts';

/** The user sits before it. */
const CALL_MS = 15_000;
const PERMIT_WAIT_MS = 10_000;

export interface Brought {
  readonly credentials: NewCredentials;
  /** All settings of the account; undefined: they stay as they are. */
  readonly settings: object | undefined;
}

interface Exchange {
  readonly code: string;
  readonly codeVerifier: string;
  /** As the login was begun with; undefined: those that the account has. */
  readonly settings: unknown;
  readonly returnTo: string;
}

/** @throws LoginStopped */
export async function exchangeCode(
  parts: LoginParts,
  provider: Provider,
  who: KnownWho,
  { code, codeVerifier, settings: given, returnTo }: Exchange,
): Promise<Brought> {
  const { account, tenant } = who;
  const { id, timeouts } = provider;
  const how = authorizeOf(provider);
  const appMistake = (reason: string): LoginStopped => {
    parts.log.error({ provider: id, account, reason }, 'a code could not be changed for tokens as this app is set up');
    return new LoginStopped(
      'app',
      `This app is not set up right for ${id}; it has been noted. Please try again later.`,
      returnTo,
    );
  };
  const known = given ?? (await readAccount(parts.pool, { provider: id, account }))?.settings ?? null;
  const of = factsOf(provider, who, known);
  let outgoing;
  try {
    const spec = how.request({ code, codeVerifier, redirectUri: redirectUriOf(parts, provider) }, of);
    outgoing = authRequest(provider, spec, of, how.tokenUrl);
  } catch (error) {
    throw appMistake(redact(String(error)));
  }
  const permit = await takeAuthPermit(permitDeps(parts), provider, 'connect', of, PERMIT_WAIT_MS).catch(
    (error: unknown) => {
      if (error instanceof LimiterUnavailable) return undefined;
      throw error;
    },
  );
  if (permit?.state !== 'granted')
    throw new LoginStopped('busy', `${id} is called too often just now. Try again in a minute.`, returnTo);
  const totalMs = Math.min(CALL_MS, timeouts.totalMs);
  const answer = await parts.http.send(outgoing, { ...timeouts, totalMs, maxBodyBytes: 1024 * 1024 });
  await permit.report(answer);
  const isGood = !answer.error && answer.status >= 200 && answer.status < 300;
  const settings =
    isGood && how.settings ? settingsOf(() => how.settings?.(tokenOf(answer.text), of), known) : undefined;
  // Now they are whole, or the account can't be called.
  if (settings !== undefined) wholeSettings(provider, who, settings, returnTo);
  const result = understandRefresh(provider, how, {}, { account, tenant, settings: settings ?? known }, answer);
  switch (result.kind) {
    case 'refreshed': {
      const { credentials, lifeMs } = result;
      const ends = lifeMs === null ? {} : { expiresAt: new Date(Date.now() + lifeMs).toISOString() };
      return { credentials: { ...credentials, ...ends }, settings: settings ?? (given as object | undefined) };
    }
    case 'refused':
      throw new LoginStopped(
        'code',
        `${id} does not take the login any more (${result.reason}). Begin again.`,
        returnTo,
      );
    case 'retry':
      throw new LoginStopped('third-party', `${id} could not be asked: ${result.reason}. Begin again.`, returnTo);
    case 'ask':
      throw appMistake('`parse` of `authorize` asked for another call; a code is exchanged by one');
    case 'config':
    case 'mistake':
      throw appMistake(result.reason);
  }
}

function permitDeps({ limiter, egress, log }: LoginParts): Parameters<typeof takeAuthPermit>[0] {
  const tell = (fields: object, message: string): void => log.error(fields, message);
  return { limiter, egress, log: { info: () => {}, warn: tell, error: tell } };
}

function settingsOf(ask: () => unknown, known: unknown): object {
  const brought = ask();
  if (typeof brought !== 'object' || brought === null || Array.isArray(brought))
    throw new Error('`settings` of `authorize` gave no object');
  return { ...(known as object | null), ...brought };
}

function wholeSettings(provider: Provider, who: KnownWho, settings: object, returnTo: string): void {
  try {
    factsOf(provider, who, settings, { mayBePartial: false });
  } catch (error) {
    throw settingsStop(error, returnTo);
  }
}

function tokenOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {};
  } catch {
    return {}; // what it is instead is said by the one who reads the tokens
  }
}
