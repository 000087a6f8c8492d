/**
 * Writes: objects that calls create, with or without idempotency keys, and the look-up that tells a caller whether its
 * write arrived. Every object is counted by key, so that a test can see what was sent twice.
 * A failure after the commit is scripted: `api.script('POST /posts', ['reset-after'])`.
 * Next: `fake-api.ts` adds these routes; `report.ts` shows the counts under `created`.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { FakeAnswer } from './answer.ts';
import type { FakeCall } from './call.ts';
import type { PathParams } from './paths.ts';
import type { CreatedCount } from './report.ts';
import type { Route } from './routes.ts';

/** One object at the third party. */
export interface Created {
  readonly id: string;
  /** The idempotency key that came with it. */
  readonly key: string | undefined;
  /** The caller's own id in the body (`keyField`). */
  readonly clientKey: string | undefined;
  /** The body as it was sent. */
  readonly body: unknown;
  readonly account: string | undefined;
  /** Milliseconds since the server's start. */
  readonly at: number;
  readonly isDeleted: boolean;
}

export interface ActionOptions<P extends string> {
  /** Status of success. Default 201. */
  readonly status?: number;
  /** Field of the answer that holds the new id. Default `id`. */
  readonly idField?: string;
  /** Header of the idempotency key. Default `idempotency-key`. */
  readonly idempotencyHeader?: string;
  /** False: the service pays no heed to the key and creates another object each time. Default true. */
  readonly honoursKeys?: boolean;
  /** How long a key is remembered, in milliseconds. Default for ever. */
  readonly keyLifeMs?: number;
  /** Field of the body with an id of the caller's own. Default `clientId`. */
  readonly keyField?: string;
  /** What the object looks like, besides its id. Default the body. */
  readonly make?: (body: unknown, params: PathParams<P>, call: FakeCall) => object;
  /** Refuses a body before anything is created. */
  readonly check?: (body: unknown, params: PathParams<P>, call: FakeCall) => FakeAnswer | undefined;
  /** Time between the arrival and the commit, in milliseconds. Default 0. */
  readonly commitAfterMs?: number;
  /** Time between the commit and the answer, in milliseconds. Default 0. */
  readonly answerAfterMs?: number;
  /** Runs after the commit and before the answer: the moment to kill the caller. */
  readonly afterCommit?: (created: Created) => void | Promise<void>;
  /**
   * Path of a look-up by the caller's id: with a parameter (`/posts/by-client/:clientId`) it answers the object or 404,
   * without one it answers `{ items: [] }` for `?clientId=`. Default none.
   */
  readonly lookup?: string;
  /** A look-up finds a new object only after this long, as where an index lags behind. Default 0. */
  readonly visibleAfterMs?: number;
}

export interface ActionHandle {
  /** Everything that was ever created, deleted or not, in order. */
  created(): readonly Created[];
  /** Objects that exist now. */
  objects(): readonly Created[];
  /** Objects by idempotency key, else by client id, else by their own id. */
  byKey(): Record<string, number>;
  count(): CreatedCount;
}

interface StoredKey {
  readonly text: string;
  readonly at: number;
  /** Settled when the first call with this key has its answer. */
  answer: FakeAnswer | undefined;
}

/** The routes of an action (create, read, delete, look up) and its handle. */
export function createAction<P extends string>(
  method: string,
  pattern: P,
  options: ActionOptions<P>,
  now: () => number,
) {
  const { idField = 'id', keyField = 'clientId', visibleAfterMs = 0 } = options;
  const keyHeader = (options.idempotencyHeader ?? 'idempotency-key').toLowerCase();
  const created: { -readonly [K in keyof Created]: Created[K] }[] = [];
  const views = new Map<string, object>();
  const keys = new Map<string, StoredKey>();

  const commit = async (call: FakeCall, params: Record<string, string>): Promise<FakeAnswer> => {
    if (options.commitAfterMs) await delay(options.commitAfterMs, undefined, { ref: false });
    const body = (call.body ?? {}) as Record<string, unknown>;
    const clientKey = body[keyField];
    const entry = {
      id: `${pattern.split('/').findLast((part) => part !== '' && !part.startsWith(':')) ?? 'object'}-${created.length + 1}`,
      key: headerOf(call, keyHeader),
      clientKey: typeof clientKey === 'string' ? clientKey : undefined,
      body: call.body,
      account: call.account,
      at: now(),
      isDeleted: false,
    };
    created.push(entry);
    const view = { [idField]: entry.id, ...(options.make?.(call.body, params as PathParams<P>, call) ?? body) };
    views.set(entry.id, view);
    await options.afterCommit?.(entry);
    if (options.answerAfterMs) await delay(options.answerAfterMs, undefined, { ref: false });
    return { status: options.status ?? 201, body: view };
  };

  /** Draft-ietf-httpapi-idempotency-key-header: replay, 409 while the first is under way, 422 for another body. */
  const create = async (call: FakeCall, params: Record<string, string>): Promise<FakeAnswer> => {
    const refused = options.check?.(call.body, params as PathParams<P>, call);
    if (refused !== undefined) return refused;
    const key = headerOf(call, keyHeader);
    if (key === undefined || options.honoursKeys === false) return commit(call, params);
    const scoped = `${call.account ?? call.token ?? ''} ${call.path} ${key}`;
    const before = keys.get(scoped);
    if (before !== undefined && now() - before.at < (options.keyLifeMs ?? Number.POSITIVE_INFINITY)) {
      if (before.text !== call.text) return { status: 422, body: { error: 'idempotency_key_reused' } };
      if (before.answer === undefined) return { status: 409, body: { error: 'idempotency_key_in_use' } };
      return { ...before.answer, headers: { 'idempotent-replayed': 'true' } };
    }
    const stored: StoredKey = { text: call.text, at: now(), answer: undefined };
    keys.set(scoped, stored);
    try {
      stored.answer = await commit(call, params);
      return stored.answer;
    } finally {
      if (stored.answer === undefined) keys.delete(scoped); // a callback of the test threw: the key is free again
    }
  };

  const found = (id: string | undefined) => created.find((entry) => entry.id === id && !entry.isDeleted);
  const notFound: FakeAnswer = { status: 404, body: { error: 'not_found' } };

  const routes: Route[] = [
    { method, pattern, answer: create, position: (call) => headerOf(call, keyHeader) ?? '' },
    {
      method: 'GET',
      pattern: `${pattern}/:objectId`,
      answer: (_call, { objectId }) => (found(objectId) ? { body: views.get(objectId as string) } : notFound),
    },
    {
      method: 'DELETE',
      pattern: `${pattern}/:objectId`,
      answer: (_call, { objectId }) => {
        const entry = found(objectId);
        if (entry === undefined) return notFound;
        entry.isDeleted = true;
        return { status: 204 };
      },
    },
  ];
  const { lookup } = options;
  if (lookup !== undefined) {
    const takesOne = lookup.includes(':');
    routes.push({
      method: 'GET',
      pattern: lookup,
      answer: (call, params) => {
        const wanted = takesOne ? Object.values(params).at(-1) : call.query.get(keyField);
        const seen = created
          .filter((entry) => !entry.isDeleted && entry.clientKey === wanted && now() - entry.at >= visibleAfterMs)
          .map(({ id }) => views.get(id));
        if (!takesOne) return { body: { items: seen } };
        return seen.length > 0 ? { body: seen[0] } : notFound;
      },
    });
  }

  const byKey = () => {
    const counts: Record<string, number> = {};
    for (const { key, clientKey, id } of created) {
      const name = key ?? clientKey ?? id;
      counts[name] = (counts[name] ?? 0) + 1;
    }
    return counts;
  };
  const handle: ActionHandle = {
    created: () => created.map((entry) => ({ ...entry })),
    objects: () => created.filter(({ isDeleted }) => !isDeleted).map((entry) => ({ ...entry })),
    byKey,
    count: () => {
      const distinct = Object.keys(byKey()).length;
      return { objects: created.length, keys: distinct, duplicates: created.length - distinct };
    },
  };
  return { routes, handle };
}

function headerOf(call: FakeCall, name: string): string | undefined {
  const value = call.headers[name];
  return typeof value === 'string' ? value : undefined;
}
