/**
 * Short ways to state a request. Next: `activities/http/send.ts` sends it.
 */
import type { RequestSpec } from '../contracts/answers/answer.ts';
import { percentEncoded } from './auth/percent-encoded.ts';

type Query = NonNullable<RequestSpec['query']>;

/** `get('/users', { limit: 100, cursor: undefined })`: undefined and null parameters are left out. */
export function get(path: string, query: Query = {}, headers: Record<string, string> = {}): RequestSpec {
  return { method: 'GET', path, query, headers };
}

/** POST with a JSON body. */
export function post(path: string, json?: unknown, headers: Record<string, string> = {}): RequestSpec {
  return { method: 'POST', path, ...(json === undefined ? {} : { json }), headers };
}

/** DELETE without a body. */
export function del(path: string, query: Query = {}, headers: Record<string, string> = {}): RequestSpec {
  return { method: 'DELETE', path, query, headers };
}

/** A value that is several parts of a path: `segments('photos/2026/a b.jpg')`. */
export interface Segments {
  readonly segments: readonly string[];
}

/**
 * Of a name with slashes that are those of the path. Examples are the key of an object, a file in a repository or a
 * folder: path`/${bucket}/${segments(key)}`. Its parts are encoded one by one; empty ones stay, since `a//b` is a key
 * of its own.
 */
export function segments(name: string): Segments {
  return { segments: name.split('/') };
}

/**
 * A path with parts that come from data, each percent-encoded: get(path`/users/${id}/posts`). An id with `/`, `?` or `..` in it stays
 * one part of the path and leads nowhere else. Where its slashes are the path's own: `segments(name)`.
 * @throws TypeError for an empty part, `.` and `..`, which no encoding keeps from being another path, and for what is no text or number.
 * @see RFC 3986 §3.3, §5.2.4
 */
export function path(parts: TemplateStringsArray, ...values: readonly (string | number | bigint | Segments)[]): string {
  return parts.reduce((whole, part, index) => whole + encoded(values[index - 1], index) + part);
}

function encoded(value: unknown, position: number): string {
  if (!isSegments(value)) return encodePart(value, position);
  const [only, ...more] = value.segments;
  if (more.length === 0) return encodePart(only, position);
  return value.segments.map((segment) => (segment === '' ? '' : encodePart(segment, position))).join('/');
}

function isSegments(value: unknown): value is Segments {
  return typeof value === 'object' && value !== null && Array.isArray((value as Partial<Segments>).segments);
}

function encodePart(value: unknown, position: number): string {
  const text = typeof value === 'bigint' || (typeof value === 'number' && isExact(value)) ? String(value) : value;
  if (typeof text !== 'string' || /^\.{0,2}$/.test(text))
    throw new TypeError(
      `Part ${position} of a path is ${typeof value === 'string' ? JSON.stringify(value) : String(value)}; it must be a number, or a text that is not empty, "." or "..".`,
    );
  return percentEncoded(text);
}

/** A larger id has been rounded when it was parsed: it would lead to another object. */
function isExact(value: number): boolean {
  return Number.isFinite(value) && Math.abs(value) <= Number.MAX_SAFE_INTEGER;
}

/** Milliseconds in `n` seconds, minutes, hours, days. */
export const seconds = (n: number): number => n * 1_000;
export const minutes = (n: number): number => n * 60_000;
export const hours = (n: number): number => n * 3_600_000;
export const days = (n: number): number => n * 86_400_000;
