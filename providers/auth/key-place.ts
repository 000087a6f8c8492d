/**
 * Where a third party wants a token or key. Pure. Used by: `auth.ts`, `oauth2.ts`. Next: `activities/http/build-request.ts` puts it there.
 */
import type { AppliedAuth } from './auth.ts';

export type KeyPlace =
  /** With a `prefix`, e.g. `{ header: 'authorization', prefix: 'Bot ' }`. */
  | { readonly header: string; readonly prefix?: string }
  /** A parameter of the query. */
  | { readonly query: string }
  /** A field of a form, or of a JSON object. */
  | { readonly body: string }
  /** What stands for it in paths and in the base URL, e.g. `{ path: ':token' }` and `https://api.example/bot:token`. */
  | { readonly path: string };

const HINT =
  'write one of { header: "x-api-key" }, { header: "authorization", prefix: "Bot " }, { query: "key" }, { body: "key" }, { path: ":token" }';

export function placed(where: KeyPlace, key: string): AppliedAuth {
  if ('header' in where) return { headers: { [where.header.toLowerCase()]: `${where.prefix ?? ''}${key}` } };
  if ('path' in where) return { path: { [where.path]: key } };
  return 'query' in where ? { query: { [where.query]: key } } : { body: { [where.body]: key } };
}

/** @returns what is wrong with it, in words. */
export function keyPlaceMistakes(what: string, where: object): string[] {
  const given = Object.entries((where as Record<string, unknown> | undefined) ?? {}).filter(
    ([, value]) => value !== undefined,
  );
  const places = given.filter(([name]) => name !== 'prefix');
  const [place, name] = places[0] ?? ['', ''];
  const isText = given.every(([, value]) => typeof value === 'string' && value !== '');
  const isKnown = places.length === 1 && ['header', 'query', 'body', 'path'].includes(place);
  if (!isKnown || !isText || (given.length > 1 && place !== 'header'))
    return [`${what}: it has ${given.map(([each]) => `\`${each}\``).join(', ') || 'nothing'}; ${HINT}`];
  return place === 'path' && !/^:[A-Za-z]\w*$/.test(String(name))
    ? [`${what}: \`path\` is "${String(name)}"; it must be a word behind a colon, e.g. ":token"`]
    : [];
}
