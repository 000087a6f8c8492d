/**
 * Schemas and requests of the providers beside what the vendors publish. Used by: `test/quick/vendors/*published.test.ts`.
 */
import type { z } from 'zod';
import type { PageRequest, RequestSpec } from '../../../providers/index.ts';

// ── What is compared ─────────────────────────────────────────────────────────────────────────────────────────────────

export type KeysOf<T> = T extends object ? keyof T : never;
type FieldOf<T, K> = T extends object ? (K extends keyof T ? T[K] : never) : never;

/** What is wrong with a schema of ours, field by field; `never` when nothing is. What they may leave out, we may want. */
export type Wrong<Ours, Theirs, At extends string> = null extends Theirs
  ? null extends Ours
    ? Differs<NonNullable<Ours>, NonNullable<Theirs>, At>
    : `${At} may be null`
  : Differs<NonNullable<Ours>, NonNullable<Theirs>, At>;

type Differs<Ours, Theirs, At extends string> = Ours extends readonly (infer O)[]
  ? Theirs extends readonly (infer T)[]
    ? Wrong<O, T, `${At}[]`>
    : `${At} is no list`
  : Ours extends object
    ? string extends keyof Ours
      ? never
      : {
          [K in keyof Ours & string]-?: K extends KeysOf<Theirs>
            ? Wrong<Ours[K], FieldOf<Theirs, K>, `${At}.${K}`>
            : `${At}.${K} is not there`;
        }[keyof Ours & string]
    : [Extract<Theirs, Ours>] extends [never]
      ? `${At} has another type`
      : never;

/** Google's types say `| null` of every field, which is for what is sent: answers leave it out. */
export type Told<T> = T extends readonly (infer E)[]
  ? Told<E>[]
  : T extends object
    ? { [K in keyof T]: Told<NonNullable<T[K]>> }
    : T;

export type Row<Schema extends z.ZodType> = z.output<Schema>;

// ── What is asked ────────────────────────────────────────────────────────────────────────────────────────────────────

export type Ask = (input: unknown, page: PageRequest, of: never) => RequestSpec;

export const PAGE = {
  cursor: 'c',
  url: undefined,
  behind: undefined,
  offset: 0,
  number: 1,
  size: 10,
  range: undefined,
};
export const context = (settings: object = {}) =>
  ({ account: 'a', tenant: '', settings, idempotencyKey: 'k-1', acceptedAt: '2026-01-01T00:00:00Z' }) as never;

/** Placeholders stay readable in the path. */
export function asked({ request }: { readonly request: Ask }, input: object, settings: object = {}) {
  const { method, path, query = {} } = request(input, PAGE, context(settings));
  const names = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  return { call: `${method} ${decodeURIComponent(path)}`, names };
}

export function sent(
  { definition }: { readonly definition: { readonly way: object; readonly parseInput: (input: unknown) => unknown } },
  input: object,
  settings: object = {},
) {
  const { request } = definition.way as { request: (input: unknown, of: never) => RequestSpec };
  const { method, path, json, form } = request(definition.parseInput(input), context(settings));
  return { call: `${method} ${decodeURIComponent(path)}`, names: Object.keys((json ?? form) as object) };
}
