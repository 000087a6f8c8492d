/**
 * Makes the PDS's built-in numbers settable. They are constants in its code, so the two functions that carry them are
 * replaced on the packages' exports before the server is created; the limiter and the tokens stay the package's own.
 */
import { createRequire } from 'node:module';

/** Every IP may make `limit` calls (3,000 as shipped) in each fixed window of `windowSeconds` (300 as shipped). */
export function setGlobalLimit(requirePackage, { limit = 3_000, windowSeconds = 300 }) {
  const server = fromPds(requirePackage)('@atproto/xrpc-server/dist/server.js');
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
export function setAccessTokenLife(requirePackage, seconds) {
  const auth = fromPds(requirePackage)('./account-manager/helpers/auth.js');
  const { createAccessToken } = auth;
  auth.createAccessToken = (options) => createAccessToken({ ...options, expiresIn: `${seconds}s` });
}

/** A `require` that finds what the PDS itself would find: the very module instances that it is about to use. */
function fromPds(requirePackage) {
  return createRequire(requirePackage.resolve('@atproto/pds'));
}
