/**
 * The public face of the fake third party: start a server, say what it serves and how it misbehaves, read its report.
 * Next: `server.ts` has the way of one call; `lists/lists.ts`, `limits/limits.ts`, `testing/faults/scripts.ts`, … have the options.
 */
import type { ActionHandle, ActionOptions } from './actions.ts';
import { createAction } from './actions.ts';
import type { FakeAnswer } from './answer.ts';
import type { FakeCall } from './call.ts';
import { binaryRoute, type BinaryOptions } from './binary.ts';
import { fileRoute, type FileOptions } from './files.ts';
import { createJobs, type JobServer, type JobServerOptions } from './jobs.ts';
import type { LimitHandle, LimitOptions } from './limits/limits.ts';
import type { ListOptions } from './lists/lists.ts';
import { listRoute } from './lists/lists.ts';
import type { OAuth, OAuthOptions } from './oauth/oauth.ts';
import { createOAuth } from './oauth/oauth.ts';
import type { OAuthHandle } from './oauth/token-store.ts';
import type { OutageHandle, OutageOptions } from '../faults/outages.ts';
import { checkFakeOptions } from './options/check-options.ts';
import * as known from './options/known-options.ts';
import type { PathFilter, PathParams } from './paths.ts';
import { seededRandom } from './random.ts';
import type { FakeReport } from './report.ts';
import type { DefaultRow } from './lists/rows.ts';
import type { ChaosHandle, ChaosOptions, ScriptHandle, ScriptOptions, ScriptStep } from '../faults/scripts.ts';
import type { FakeApiOptions } from './server.ts';
import { startServer } from './server.ts';

/** A third party on loopback. Everything may be added or changed while it runs. */
export interface FakeApi {
  /** `http://127.0.0.1:port`, without a slash at the end. */
  readonly url: string;
  /** Milliseconds since the start, on the clock of the report. */
  now(): number;

  /** Serves a list in pages. */
  list<P extends string, Row extends object = DefaultRow>(pattern: P, options: ListOptions<P, Row>): FakeApi;
  /** Serves one object by GET; undefined answers 404. */
  object<P extends string>(pattern: P, body: (params: PathParams<P>, call: FakeCall) => unknown): FakeApi;
  /** Serves a file of rows (CSV or NDJSON) by GET. */
  file<P extends string>(pattern: P, options: FileOptions<P>): FakeApi;
  /** Serves a file of any content by GET: an attachment, a picture. */
  binary<P extends string>(pattern: P, options: BinaryOptions<P>): FakeApi;
  /** Serves anything. The latest route of a path wins. */
  route<P extends string>(
    method: string,
    pattern: P,
    answer: (call: FakeCall, params: PathParams<P>) => FakeAnswer | Promise<FakeAnswer>,
    position?: (call: FakeCall) => string,
  ): FakeApi;

  /** Serves a write, with its objects under `pattern/:id` (GET, DELETE) and a look-up. */
  action<P extends string>(method: string, pattern: P, options?: ActionOptions<P>): ActionHandle;
  /** Serves jobs: made by POST, asked for and cancelled under `pattern/:id`, looked up by `pattern?key=`. */
  jobs(pattern: string, options?: JobServerOptions): JobServer;
  /** From now on calls need a token; the token endpoint refreshes. One for each server. */
  oauth(options?: OAuthOptions): OAuthHandle;

  /** Adds a limit. A call that it refuses is charged to no limit, unless `countsRefused`. */
  limit(options: LimitOptions): LimitHandle;
  /** The limits it has, in the order in which they were added. */
  limits(): readonly LimitHandle[];
  /** What the next calls of a path (`/users/:id`, `POST /posts`) get, one step each; then calls are normal. */
  script(on: PathFilter, steps: readonly ScriptStep[], options?: ScriptOptions): ScriptHandle;
  /** Random failures from now on. */
  chaos(options: ChaosOptions): ChaosHandle;
  /** The whole service gone for a while. */
  outage(options?: OutageOptions): OutageHandle;
  /** Connections are taken, no call is answered, as if the process were frozen. */
  pause(): void;
  /** Answers the calls that waited (whose callers are still there) and all later ones. */
  resume(): void;

  /** What it saw. */
  report(): FakeReport;
  /** Calls and good answers by position, for one path as sent. */
  positions(path: string): Record<string, { calls: number; ok: number }>;
  /** Forgets all counts; limits, tokens, objects and scripts stay as they are. */
  reset(): void;
  /** Closes all sockets; settles when none is left. */
  stop(): Promise<void>;
}

/** Starts a third party on a free port of 127.0.0.1. */
export async function startFakeApi(options: FakeApiOptions = {}): Promise<FakeApi> {
  checkFakeOptions('startFakeApi', options, known.SERVER);
  const server = await startServer(options);
  const { books, routes, limits, scripts, outages } = server;
  const actions = new Map<string, ActionHandle>();
  let oauth: OAuth | undefined;

  const api: FakeApi = {
    url: server.base(),
    now: server.now,
    list(pattern, listOptions) {
      checkFakeOptions(`list ${pattern}`, listOptions, known.LIST);
      routes.add(listRoute(pattern, listOptions, server.base));
      return api;
    },
    object<P extends string>(pattern: P, body: (params: PathParams<P>, call: FakeCall) => unknown) {
      routes.add({
        method: 'GET',
        pattern,
        answer: (call, params) => {
          const found = body(params as PathParams<P>, call);
          return found === undefined ? { status: 404, body: { error: 'not_found' } } : { body: found };
        },
      });
      return api;
    },
    file(pattern, fileOptions) {
      checkFakeOptions(`file ${pattern}`, fileOptions, known.FILE);
      routes.add(fileRoute(pattern, fileOptions));
      return api;
    },
    binary(pattern, binaryOptions) {
      checkFakeOptions(`binary ${pattern}`, binaryOptions, known.BINARY);
      routes.add(binaryRoute(pattern, binaryOptions));
      return api;
    },
    route<P extends string>(
      method: string,
      pattern: P,
      answer: (call: FakeCall, params: PathParams<P>) => FakeAnswer | Promise<FakeAnswer>,
      position?: (call: FakeCall) => string,
    ) {
      routes.add({
        method,
        pattern,
        answer: (call, params) => answer(call, params as PathParams<P>),
        ...(position && { position }),
      });
      return api;
    },
    action(method, pattern, actionOptions = {}) {
      checkFakeOptions(`action ${method} ${pattern}`, actionOptions, known.ACTION);
      const action = createAction(method, pattern, actionOptions, server.now);
      for (const route of action.routes) routes.add(route);
      actions.set(`${method} ${pattern}`, action.handle);
      return action.handle;
    },
    jobs(pattern, jobOptions = {}) {
      checkFakeOptions(`jobs ${pattern}`, jobOptions, known.JOBS);
      const { routes: ofJobs, handle } = createJobs(pattern, jobOptions);
      for (const route of ofJobs) routes.add(route);
      return handle;
    },
    oauth(oauthOptions = {}) {
      checkFakeOptions('oauth', oauthOptions, known.OAUTH);
      oauth = createOAuth(oauthOptions, server.now, seededRandom(server.seed));
      routes.add(oauth.route);
      server.guardTokens(oauth.guard);
      return oauth.handle;
    },
    limit(limitOptions) {
      checkFakeOptions(`limit "${limitOptions.name}"`, limitOptions, known.LIMIT);
      return limits.add(limitOptions);
    },
    limits: () => limits.all(),
    script(on, steps, scriptOptions = {}) {
      checkFakeOptions('script', scriptOptions, known.SCRIPT);
      known.checkKinds('script', steps);
      return scripts.script(on, steps, scriptOptions);
    },
    chaos(chaosOptions) {
      checkFakeOptions('chaos', chaosOptions, known.CHAOS);
      known.checkKinds('chaos', chaosOptions.kinds ?? []);
      return scripts.chaos(chaosOptions);
    },
    outage(outageOptions = {}) {
      checkFakeOptions('outage', outageOptions, known.OUTAGE);
      return outages.begin(outageOptions);
    },
    pause: () => outages.pause(),
    resume: () => outages.resume(),
    report: () => ({
      startedAt: server.startedAtIso,
      ...books.snapshot(),
      created: Object.fromEntries([...actions].map(([name, action]) => [name, action.count()])),
      refreshes: oauth?.refreshCounts() ?? {},
      lostAccounts: oauth?.handle.lost() ?? [],
    }),
    positions: (path) => books.positionsOf(path),
    reset: () => books.reset(),
    stop: () => server.stop(),
  };
  return api;
}
