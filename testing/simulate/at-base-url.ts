/**
 * The same sync or action against another third party. Whatever base URL its provider has, calls and refreshes go to
 * this one, so a test can't reach the real service by mistake. And the same sync with pages of one size.
 */
import type { Auth } from '../../providers/auth/auth.ts';
import type { RefreshAnswer } from '../../providers/auth/refresh.ts';
import type { Action, Provider, Sync } from '../../providers/index.ts';

/** @returns a copy; the sync itself stays as it is. */
export function syncAt<S extends Sync>(sync: S, baseUrl: string): S {
  return { ...sync, definition: { ...sync.definition, provider: providerAt(sync.definition.provider, baseUrl) } };
}

/** @returns a copy; the action itself stays as it is. What `perform` does by a client of its own goes where that client sends it. */
export function actionAt<A extends Action>(action: A, baseUrl: string): A {
  return { ...action, definition: { ...action.definition, provider: providerAt(action.definition.provider, baseUrl) } };
}

/** @returns a copy whose pages keep the size that they start with, unless the third party says that it is too large. */
export function withoutGrowth<S extends Sync>(sync: S): S {
  const nodes = [...sync.definition.nodes].map(([name, node]) => {
    const { paginate } = node.endpoint;
    const pageSize = { ...paginate.pageSize, max: paginate.pageSize.start };
    return [name, { ...node, endpoint: { ...node.endpoint, paginate: { ...paginate, pageSize } } }] as const;
  });
  return { ...sync, definition: { ...sync.definition, nodes: new Map(nodes) } };
}

function providerAt(provider: Provider, baseUrl: string): Provider {
  return {
    ...provider,
    baseUrl: () => baseUrl,
    hosts: undefined,
    isBaseFromAccount: false,
    auth: refreshedThere(provider.auth),
  };
}

function refreshedThere(auth: Auth): Auth {
  const { refresh } = auth;
  if (refresh === undefined) return auth;
  return {
    ...auth,
    refresh: {
      ...refresh,
      request: (credentials, of) => {
        const request = refresh.request(credentials, of);
        return request && { ...request, path: pathAlone(request.path) };
      },
      parse: (answer, of) => askedThere(refresh.parse(answer, of)),
    },
  };
}

/** Where it takes another call, that goes there, too. */
function askedThere(told: RefreshAnswer): RefreshAnswer {
  if (told?.kind !== 'ask') return told;
  const { request, parse } = told;
  return {
    ...told,
    request: { ...request, path: pathAlone(request.path) },
    parse: (answer) => {
      const next = parse(answer);
      return next && askedThere(next);
    },
  };
}

/** `https://auth.social.example/oauth/token` → `/oauth/token`, which is then below the base URL. */
function pathAlone(path: string): string {
  if (!/^https?:\/\//i.test(path)) return path;
  const { pathname, search } = new URL(path);
  return pathname + search;
}
