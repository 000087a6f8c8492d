/**
 * The first half: keeps what the callback will need, and sends the browser to the page of the third party. Next: `finish-login.ts`.
 * @see RFC 6749 §4.1.1
 */
import { authRequest } from '../activities/index.ts';
import { keepLogin } from '../db/index.ts';
import type { Provider } from '../providers/define/define-provider.ts';
import { authorizeOf, factsOf, knownWho, redirectUriOf, settingsStop, type LoginParts } from './login-parts.ts';
import { sentTo } from './login-page.ts';
import { challengeOf, hashOf, newSecret, verifierOf } from './login-secrets.ts';
import { LoginStopped } from './outcome.ts';
import { pathOf } from './return-path.ts';

export async function beginLogin(parts: LoginParts, provider: Provider, request: Request): Promise<Response> {
  const { pool, at, cookie, lifeMs } = parts;
  const asked = new URL(request.url).searchParams.get('returnTo') ?? parts.returnTo;
  const returnTo = pathOf(asked, at);
  if (returnTo === undefined)
    throw new LoginStopped('not-here', '`returnTo` of this link leads away from this app, so nothing was begun.');
  const who = await knownWho(parts, provider, request);
  const { account, tenant, settings } = who;
  const known = settings ?? (await parts.sluice.accounts.status({ provider, account }))?.settings ?? null;
  const of = factsOf(provider, who, known);
  const session = cookie.read(request) ?? newSecret();
  const state = newSecret();
  const page = pageFor(provider, of, {
    redirectUri: redirectUriOf(parts, provider),
    state,
    codeChallenge: challengeOf(verifierOf(session, state)),
  });
  await keepLogin(pool, {
    state: hashOf(state),
    session: hashOf(session),
    provider: provider.id,
    account,
    tenant,
    settings,
    returnTo,
    lifeMs,
  });
  return sentTo(page, { 'set-cookie': cookie.write(session, lifeMs) });
}

/** An address that is made from the account leads to one of the provider's hosts. */
function pageFor(
  provider: Provider,
  of: ReturnType<typeof factsOf>,
  asked: Parameters<ReturnType<typeof authorizeOf>['page']>[0],
): string {
  const { page, pageUrl } = authorizeOf(provider);
  const spec = page(asked, of);
  try {
    return authRequest(provider, spec, of, pageUrl).url;
  } catch (error) {
    throw settingsStop(error);
  }
}
