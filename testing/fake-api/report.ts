/**
 * What the third party saw: every call, when, how it was answered, and which limits were broken, on its own clock.
 * Counting happens here while calls come and go; a test reads `report()` and asserts on plain JSON.
 */
import type { FakeCall } from './call.ts';

/** One call that came although a limit had no room for it. */
export interface Violation {
  readonly limit: string;
  /** The bucket: a token, an address, … as the limit's `by` gave it. */
  readonly key: string;
  /** Milliseconds since the server started. */
  readonly at: number;
  /** Units in use when it came. */
  readonly used: number;
  readonly max: number;
  readonly cost: number;
  readonly method: string;
  readonly path: string;
}

/** A position of a path that was asked for or served more than once. */
export interface RepeatedPosition {
  readonly path: string;
  /** Row index for lists (`"100"`, with its filters: `"100?since=…"`), the query string for other routes. */
  readonly position: string;
  readonly calls: number;
  /** How many of the calls were answered well. */
  readonly ok: number;
}

/** What one action created, counted by idempotency key (or by client id where the service knows no keys). */
export interface CreatedCount {
  readonly objects: number;
  readonly keys: number;
  /** Objects above one for each key: what a careless retry leaves behind. */
  readonly duplicates: number;
}

export interface FakeReport {
  /** Wall clock of the start, ISO; all other times are milliseconds since then on a monotonic clock. */
  readonly startedAt: string;
  /** All calls that were counted, however they were answered. */
  readonly calls: number;
  /** Answered 2xx by a route, whole and unspoilt. */
  readonly ok: number;
  /** Refused by a limit. */
  readonly refused: number;
  /** Refused because of the token. */
  readonly unauthorized: number;
  /** Calls to paths that no route knows: mostly a mistake in the test. */
  readonly unknownPaths: Readonly<Record<string, number>>;
  /** Calls by `METHOD /pattern` of the route. */
  readonly byRoute: Readonly<Record<string, number>>;
  /** Calls by path as sent. */
  readonly byPath: Readonly<Record<string, number>>;
  /** Calls by status, or by the name of the hostile kind where no whole answer was given; `gone` = the caller hung up. */
  readonly byStatus: Readonly<Record<string, number>>;
  /** Scripted and random failures that were played, by kind. */
  readonly hostile: Readonly<Record<string, number>>;
  /** The first 10,000; `violationCount` has them all. */
  readonly violations: readonly Violation[];
  readonly violationCount: number;
  readonly inFlight: number;
  readonly maxConcurrent: number;
  /** Sockets that were opened. */
  readonly connections: number;
  /** Sockets that are open now. */
  readonly openConnections: number;
  /** Distinct (path, position) that were answered well: the least number of calls for this work. */
  readonly positions: number;
  /** Those answered well more than once: work that was done twice. */
  readonly repeated: readonly RepeatedPosition[];
  readonly firstCallAt: number | null;
  readonly lastCallAt: number | null;
  /** Calls in each second since the start. */
  readonly perSecond: readonly number[];
  readonly created: Readonly<Record<string, CreatedCount>>;
  /** Token refreshes that succeeded, by account. */
  readonly refreshes: Readonly<Record<string, number>>;
  /** Accounts whose tokens were all revoked because a refresh token was used twice. */
  readonly lostAccounts: readonly string[];
  /** Calls that still carried `Authorization` after a redirect to another host. */
  readonly strayAuthorizations: number;
}

/** How one call ended, told once. */
export interface CallEnd {
  /** Status, or the hostile kind. */
  readonly label: string;
  readonly isOk?: boolean;
  readonly isRefused?: boolean;
  readonly isUnauthorized?: boolean;
}

/** One call in the books. */
export interface CallEntry {
  ended(end: CallEnd): void;
  /** The response is over or its socket is gone. */
  left(): void;
}

const maxViolations = 10_000;

type Counts = Map<string, number>;
/** Calls of one position, and how many were answered well. */
export interface PositionCount {
  calls: number;
  ok: number;
}

/** The books of one server. */
export function createBooks() {
  const empty = () => ({
    calls: 0,
    ok: 0,
    refused: 0,
    unauthorized: 0,
    violationCount: 0,
    maxConcurrent: 0,
    connections: 0,
    strayAuthorizations: 0,
    firstCallAt: null as number | null,
    lastCallAt: null as number | null,
    unknownPaths: new Map() as Counts,
    byRoute: new Map() as Counts,
    byPath: new Map() as Counts,
    byStatus: new Map() as Counts,
    hostile: new Map() as Counts,
    violations: [] as Violation[],
    positions: new Map<string, Map<string, PositionCount>>(),
    perSecond: [] as number[],
  });
  let books = empty();
  let inFlight = 0;
  let openConnections = 0;

  return {
    /** Counts a call in. `route` is `METHOD /pattern`, undefined when no route knows the path. */
    arrived(call: FakeCall, route: string | undefined, position: string): CallEntry {
      const mine = books;
      mine.calls++;
      mine.firstCallAt ??= call.at;
      mine.lastCallAt = call.at;
      const second = Math.floor(call.at / 1_000);
      while (mine.perSecond.length <= second) mine.perSecond.push(0);
      mine.perSecond[second] = (mine.perSecond[second] as number) + 1;
      add(mine.byPath, call.path);
      if (route === undefined) add(mine.unknownPaths, `${call.method} ${call.path}`);
      else add(mine.byRoute, route);
      const place = positionOf(mine.positions, call.path, position);
      place.calls++;
      inFlight++;
      mine.maxConcurrent = Math.max(mine.maxConcurrent, inFlight);
      let isEnded = false;
      let hasLeft = false;
      const ended = (end: CallEnd) => {
        if (isEnded) return;
        isEnded = true;
        add(mine.byStatus, end.label);
        if (end.isOk === true) {
          mine.ok++;
          place.ok++;
        }
        if (end.isRefused === true) mine.refused++;
        if (end.isUnauthorized === true) mine.unauthorized++;
      };
      return {
        ended,
        left() {
          if (hasLeft) return;
          hasLeft = true;
          inFlight--;
          ended({ label: 'gone' });
        },
      };
    },
    connected: () => {
      books.connections++;
      openConnections++;
    },
    disconnected: () => void openConnections--,
    strayAuthorization: () => void books.strayAuthorizations++,
    played: (kind: string) => add(books.hostile, kind),
    violated(violation: Violation) {
      books.violationCount++;
      if (books.violations.length < maxViolations) books.violations.push(violation);
    },
    /** Calls and good answers by position of one path. */
    positionsOf(path: string): Record<string, PositionCount> {
      return Object.fromEntries([...(books.positions.get(path) ?? [])].map(([key, count]) => [key, { ...count }]));
    },
    /** Forgets all counts; calls in flight stay in flight. */
    reset() {
      books = empty();
      books.maxConcurrent = inFlight;
    },
    snapshot() {
      const { unknownPaths, byRoute, byPath, byStatus, hostile, positions, ...plain } = books;
      const repeated: RepeatedPosition[] = [];
      let served = 0;
      for (const [path, places] of positions) {
        for (const [position, { calls, ok }] of places) {
          if (ok > 0) served++;
          if (ok > 1) repeated.push({ path, position, calls, ok });
        }
      }
      return {
        ...plain,
        unknownPaths: Object.fromEntries(unknownPaths),
        byRoute: Object.fromEntries(byRoute),
        byPath: Object.fromEntries(byPath),
        byStatus: Object.fromEntries(byStatus),
        hostile: Object.fromEntries(hostile),
        violations: [...plain.violations],
        perSecond: [...plain.perSecond],
        inFlight,
        openConnections,
        positions: served,
        repeated,
      };
    },
  };
}

export type Books = ReturnType<typeof createBooks>;

function add(counts: Counts, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function positionOf(positions: Map<string, Map<string, PositionCount>>, path: string, position: string): PositionCount {
  let places = positions.get(path);
  if (places === undefined) positions.set(path, (places = new Map()));
  let place = places.get(position);
  if (place === undefined) places.set(position, (place = { calls: 0, ok: 0 }));
  return place;
}
