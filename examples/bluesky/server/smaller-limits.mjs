/**
 * Makes the PDS's built-in numbers settable. They are constants in its code, so the two functions that carry them are
 * replaced on the packages' exports before the server is created; the limiter and the tokens stay the package's own.
 */
import { createRequire } from 'node:module';

const requireFromPds = createRequire(createRequire(import.meta.url).resolve('@atproto/pds'));

/** Every IP may make `limit` calls (3,000 as shipped) in each fixed window of `windowSeconds` (300 as shipped). */
export function setGlobalLimit({ limit = 3_000, windowSeconds = 300 }) {
  const server = requireFromPds('@atproto/xrpc-server/dist/server.js');
  const { createServer } = server;
  server.createServer = (lexicons, options) => {
    const global = options.rateLimits.global.map((rule) => ({
      ...rule,
      points: limit,
      durationMs: windowSeconds * 1_000,
    }));
    return createServer(lexicons, { ...options, rateLimits: { ...options.rateLimits, global } });
  };
}

/** Access tokens live `seconds` (two hours as shipped). Refresh tokens keep their 90 days. */
export function setAccessTokenLife(seconds) {
  const auth = requireFromPds('./account-manager/helpers/auth.js');
  const { createAccessToken } = auth;
  auth.createAccessToken = (options) => createAccessToken({ ...options, expiresIn: `${seconds}s` });
}
