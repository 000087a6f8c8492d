/**
 * The routes of the fake third party: everything that answers (lists, objects, actions, token endpoint) is one of these.
 * Next: `server.ts` finds a call's route and runs it.
 */
import type { FakeAnswer } from './answer.ts';
import type { FakeCall } from './call.ts';
import type { PathMatcher } from './paths.ts';
import { compilePath } from './paths.ts';

export interface Route {
  readonly method: string;
  readonly pattern: string;
  /** Answers a call that was let in. */
  readonly answer: (call: FakeCall, params: Record<string, string>) => FakeAnswer | Promise<FakeAnswer>;
  /** Names the place in the list that the call asks for. Default: its query string. */
  readonly position?: (call: FakeCall) => string;
  /** True: needs no token although the server has `oauth`. */
  readonly isPublic?: boolean;
}

export interface FoundRoute {
  readonly route: Route;
  readonly params: Record<string, string>;
}

/** The routes of one server; the latest added wins, so that a test can replace one. */
export function createRoutes() {
  const routes: { readonly route: Route; readonly match: PathMatcher }[] = [];
  return {
    add(route: Route): void {
      routes.unshift({ route, match: compilePath(route.pattern) });
    },
    find(method: string, path: string): FoundRoute | undefined {
      for (const { route, match } of routes) {
        if (route.method !== method && !(method === 'HEAD' && route.method === 'GET')) continue;
        const params = match(path);
        if (params !== undefined) return { route, params };
      }
      return undefined;
    },
    /** Does a route of another method know this path? Tells 405 from 404. */
    knows: (path: string): boolean => routes.some(({ match }) => match(path) !== undefined),
  };
}

export type Routes = ReturnType<typeof createRoutes>;
