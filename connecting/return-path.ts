/**
 * Where a browser may be sent at the end of a login: to a path of the app and nowhere else, whatever a link says. Used by: `begin-login.ts`.
 * @see RFC 9700 §4.11 (open redirection)
 */

/** @returns the path as the browser will read it; undefined when it would lead elsewhere. */
export function pathOf(given: string, at: URL): string | undefined {
  // What the URL parser drops or turns round (line ends, tabs, backslashes) is meant to mislead.
  if (typeof given !== 'string' || !given.startsWith('/') || /[\\\p{Cc}]/u.test(given)) return undefined;
  if (!URL.canParse(given, at.origin)) return undefined;
  const { origin, pathname, search, hash } = new URL(given, at.origin);
  // `/a/..//b` is `//b` when it is read.
  return origin === at.origin && !pathname.startsWith('//') ? `${pathname}${search}${hash}` : undefined;
}
