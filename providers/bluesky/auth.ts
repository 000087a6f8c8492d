/**
 * Sessions of the AT Protocol: an access token of two hours, and a refresh token that each refresh replaces. The old one
 * works a while longer and leads to the same successor, so a refresh whose answer was lost costs nothing.
 * Next: `provider.ts`.
 * @see https://docs.bsky.app/docs/api/com-atproto-server-refresh-session
 */
import { z } from 'zod';
import type { Answer } from '../../contracts/answers/answer.ts';
import { bearer, type Auth } from '../auth/auth.ts';
import { jwtLifeMs } from '../../contracts/secrets/token-life.ts';
import { refreshable, type RefreshAnswer } from '../auth/refresh.ts';

const Session = z.object({ accessJwt: z.string(), refreshJwt: z.string() });
const Failure = z.object({ error: z.string().regex(/^[A-Za-z]{1,60}$/) });

/** Errors that only a new login mends. */
const REFUSED = new Set(['ExpiredToken', 'InvalidToken', 'AccountTakedown', 'AccountDeactivated', 'AccountNotFound']);

/** Lists are public, so accounts without a session are fine. */
export function blueskyAuth(): Auth {
  return refreshable(bearer({ optional: true }), {
    rotates: true,
    // The refresh token stands where the access token does in other calls; any body, even `{}`, is refused.
    request: ({ refreshToken }) =>
      refreshToken === undefined
        ? undefined
        : {
            method: 'POST',
            path: 'com.atproto.server.refreshSession',
            headers: { authorization: `Bearer ${refreshToken}` },
          },
    parse: parseSession,
  });
}

function parseSession(answer: Answer): RefreshAnswer | undefined {
  const json = jsonOf(answer.text);
  const failure = Failure.safeParse(json);
  if (failure.success && REFUSED.has(failure.data.error))
    return { kind: 'refused', reason: `the refresh was answered with HTTP ${answer.status} ${failure.data.error}` };
  const session = Session.safeParse(json);
  if (answer.error || answer.status !== 200 || !session.success) return undefined;
  const { accessJwt, refreshJwt } = session.data;
  const lifeMs = jwtLifeMs(accessJwt);
  return {
    kind: 'refreshed',
    credentials: { accessToken: accessJwt, refreshToken: refreshJwt },
    ...(lifeMs === undefined ? {} : { lifeMs }),
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // a proxy's page: HTTP says what it means
  }
}
