/**
 * Short ways to state a request. Next stop: `activities/http/send.ts` sends it.
 */
import type { RequestSpec } from '../contracts/answer.ts';

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

/** Milliseconds in `n` seconds, minutes, hours, days. */
export const seconds = (n: number): number => n * 1_000;
export const minutes = (n: number): number => n * 60_000;
export const hours = (n: number): number => n * 3_600_000;
export const days = (n: number): number => n * 86_400_000;
