/**
 * The same sync against another third party: whatever base URL its provider has, calls and refreshes go to this one, so
 * a test can't reach the real service by mistake.
 */
import type { Auth } from '../../providers/auth/auth.ts';
import type { Sync } from '../../providers/index.ts';

/** @returns a copy; the sync itself stays as it is. */
export function syncAt<S extends Sync>(sync: S, baseUrl: string): S {
  const { provider } = sync.definition;
  const pointed = { ...provider, baseUrl: () => baseUrl, auth: refreshedThere(provider.auth) };
  return { ...sync, definition: { ...sync.definition, provider: pointed } };
}

function refreshedThere(auth: Auth): Auth {
  const { refresh } = auth;
  if (refresh === undefined) return auth;
  return {
    ...auth,
    refresh: {
      ...refresh,
      request: (credentials) => {
        const request = refresh.request(credentials);
        return request && { ...request, path: pathAlone(request.path) };
      },
    },
  };
}

/** `https://auth.social.example/oauth/token` → `/oauth/token`, which is then below the base URL. */
function pathAlone(path: string): string {
  if (!/^https?:\/\//i.test(path)) return path;
  const { pathname, search } = new URL(path);
  return pathname + search;
}
