/**
 * Path patterns such as `/users/:id/friends`: their parameters as types, and matching.
 * Next: `routes.ts` keeps the patterns of a server; limits, scripts and chaos use `pathFilter` to choose calls.
 */
import type { FakeCall } from './call.ts';

type ParamNames<P extends string> = P extends `${infer Head}/${infer Tail}`
  ? ParamNames<Head> | ParamNames<Tail>
  : P extends `:${infer Name}`
    ? Name
    : never;

/** The parameters that a pattern names: `/users/:id` gives `{ id: string }`. Values are percent-decoded. */
export type PathParams<P extends string> = string extends P
  ? Readonly<Record<string, string>>
  : Readonly<Record<ParamNames<P>, string>>;

/** Which calls something applies to: one pattern or several (optionally `METHOD /path`), an expression, or a test. */
export type PathFilter = string | readonly string[] | RegExp | ((call: FakeCall) => boolean);

/** Gives the parameters of a path that fits the pattern, else undefined. `/*` at the end fits any rest. */
export type PathMatcher = (path: string) => Record<string, string> | undefined;

/** Compiles a pattern. @throws TypeError when it does not begin with a slash. */
export function compilePath(pattern: string): PathMatcher {
  if (!pattern.startsWith('/'))
    throw new TypeError(`path pattern: expected one that begins with "/", got "${pattern}"`);
  const wanted = pattern.split('/');
  const isOpenEnded = wanted.at(-1) === '*';
  if (isOpenEnded) wanted.pop();
  return (path) => {
    const given = path.split('/');
    if (isOpenEnded ? given.length < wanted.length : given.length !== wanted.length) return undefined;
    const params: Record<string, string> = {};
    for (let i = 0; i < wanted.length; i++) {
      const want = wanted[i] as string;
      const have = given[i] as string;
      if (want.startsWith(':')) params[want.slice(1)] = decodeSegment(have);
      else if (want !== have) return undefined;
    }
    return params;
  };
}

/** A test of calls from a filter; without one every call fits. */
export function pathFilter(filter: PathFilter | undefined): (call: FakeCall) => boolean {
  if (filter === undefined) return () => true;
  if (typeof filter === 'function') return filter;
  if (filter instanceof RegExp) return (call) => filter.test(call.path);
  const tests = (typeof filter === 'string' ? [filter] : filter).map((entry) => {
    const space = entry.indexOf(' ');
    const method = space > 0 ? entry.slice(0, space) : undefined;
    const match = compilePath(space > 0 ? entry.slice(space + 1) : entry);
    return (call: FakeCall) => (method === undefined || method === call.method) && match(call.path) !== undefined;
  });
  return (call) => tests.some((fits) => fits(call));
}

function decodeSegment(segment: string): string {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment; // a malformed escape is the caller's text; a third party would take it literally or answer 404
  }
}
