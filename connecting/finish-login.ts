/**
 * The second half: the browser is back. Whose login it is is settled before anything else is believed. Then the code is
 * changed for tokens (`exchange-code.ts`). The account is connected as by `accounts.connect()`, with its row in the
 * audit.
 * @see RFC 6749 §4.1.2, RFC 9207 (`iss`), RFC 9700 §2.1
 */
import { TenantMismatch, takeLogin } from '../db/index.ts';
import { cleanText } from '../contracts/values/clean-text.ts';
import { redact } from '../contracts/secrets/redact.ts';
import type { Provider } from '../providers/define/define-provider.ts';
import { exchangeCode } from './exchange-code.ts';
import { authorizeOf, knownWho, settingsStop, type LoginParts } from './login-parts.ts';
import { hashOf, verifierOf } from './login-secrets.ts';
import { LoginStopped, type Connected } from './outcome.ts';

const NOT_TAKEN = {
  unknown: 'This login is not known here: it was never begun, or is long over. Begin again.',
  used: 'This login was used already. If the account is not connected, begin again.',
  over: 'This login took too long. Begin again.',
  'other-browser': 'This login was begun in another browser. Begin again in this one.',
  'other-account': 'This login was begun for another account than the one you use now. Begin again.',
} as const;

export async function finishLogin(parts: LoginParts, provider: Provider, request: Request): Promise<Connected> {
  const answer = readAnswer(new URL(request.url).searchParams);
  const who = await knownWho(parts, provider, request);
  const { account, tenant, by } = who;
  const session = parts.cookie.read(request);
  if (session === undefined) throw new LoginStopped('other-browser', NOT_TAKEN['other-browser']);
  const taken = await takeLogin(parts.pool, {
    state: hashOf(answer.state),
    session: hashOf(session),
    provider: provider.id,
    account,
    tenant,
  });
  if (taken.state !== 'taken') throw new LoginStopped(taken.state, NOT_TAKEN[taken.state]);
  const { returnTo } = taken;
  const code = codeOf(answer, provider, returnTo);
  const { credentials, settings } = await exchangeCode(parts, provider, who, {
    code,
    codeVerifier: verifierOf(session, answer.state),
    settings: taken.settings ?? undefined,
    returnTo,
  });
  try {
    await parts.sluice.as({ by, why: 'the user has logged in through a browser' }).accounts.connect({
      provider,
      account,
      credentials,
      ...(tenant === null ? {} : { tenant }),
      ...(settings === undefined ? {} : { settings }),
    });
  } catch (error) {
    if (error instanceof TenantMismatch)
      throw new LoginStopped(
        'other-tenant',
        'This account belongs to somebody else here; it was not connected.',
        returnTo,
      );
    throw settingsStop(error, returnTo);
  }
  return { state: 'connected', provider: provider.id, account, tenant, returnTo };
}

interface LoginAnswer {
  readonly state: string;
  readonly code: string | undefined;
  readonly error: string | undefined;
  readonly description: string | undefined;
  readonly issuer: string | undefined;
}

/** Each parameter once (RFC 6749 §3.1): two readers of the same address could take different ones. */
function readAnswer(query: URLSearchParams): LoginAnswer {
  const one = (name: string): string | undefined => {
    const all = query.getAll(name);
    if (all.length > 1) throw new LoginStopped('unclear', `What came back says \`${name}\` twice. Begin again.`);
    return all[0] === '' ? undefined : all[0];
  };
  const state = one('state');
  if (state === undefined)
    throw new LoginStopped('unclear', 'What came back does not say which login it is of. Begin again.');
  return { state, code: one('code'), error: one('error'), description: one('error_description'), issuer: one('iss') };
}

function codeOf({ code, error, description, issuer }: LoginAnswer, provider: Provider, returnTo: string): string {
  const { issuer: expected } = authorizeOf(provider);
  if (expected !== undefined && issuer !== expected)
    throw new LoginStopped('unclear', `What came back is not from ${provider.id}. Begin again.`, returnTo);
  if (error === 'access_denied')
    throw new LoginStopped('refused', `Access was refused at ${provider.id}, so nothing was connected.`, returnTo);
  if (error !== undefined) {
    const said = cleanText(redact([error, description ?? ''].join(': ')), 300).replace(/: $/, '');
    const mayWork = ['temporarily_unavailable', 'server_error'].includes(error);
    throw new LoginStopped(
      mayWork ? 'third-party' : 'refused',
      `${provider.id} did not allow it and says “${said}”.`,
      returnTo,
    );
  }
  if (code === undefined) throw new LoginStopped('unclear', `${provider.id} sent no code back. Begin again.`, returnTo);
  return code;
}
