/**
 * Makes the request that goes over the wire from what an endpoint states: base URL, credentials, default headers.
 * Next stop: `send.ts`.
 */
import { plainHttpMistake } from '../../contracts/addresses.ts';
import type { RequestSpec } from '../../contracts/answer.ts';
import type { AppliedAuth } from '../../providers/auth/auth.ts';
import { HIDDEN } from './hide-secrets.ts';
import type { Provider } from '../../providers/define/define-provider.ts';
import type { OutgoingRequest } from './send.ts';

/**
 * @throws TypeError when the path leads to another origin than the base URL's (credentials are never sent elsewhere, e.g. by a next
 *   link that a third party got wrong), when it leaves the base URL's own path, or when it would go in clear over a network.
 */
export function buildRequest(
  spec: RequestSpec,
  baseUrl: string,
  auth: AppliedAuth,
  defaultHeaders: Readonly<Record<string, string>>,
  { allowPlainHttp = false }: Partial<Pick<Provider, 'allowPlainHttp'>> = {},
): OutgoingRequest {
  const url = withoutHidden(resolve(spec.path, baseUrl));
  const mistake = allowPlainHttp ? undefined : plainHttpMistake(url.href);
  if (mistake !== undefined) throw new TypeError(`The request ${mistake}`);
  setQuery(url, { ...spec.query, ...auth.query });
  const body =
    spec.json === undefined ? spec.form && new URLSearchParams(spec.form).toString() : JSON.stringify(spec.json);
  const contentType = spec.json === undefined ? 'application/x-www-form-urlencoded' : 'application/json';
  return {
    method: spec.method,
    url: url.href,
    headers: {
      accept: 'application/json',
      ...(body === undefined ? {} : { 'content-type': contentType }),
      ...lowerCase(defaultHeaders),
      ...lowerCase(spec.headers ?? {}),
      ...lowerCase(auth.headers ?? {}),
    },
    ...(body === undefined ? {} : { body }),
  };
}

/** Where the request leads, with its own query and nothing of what authenticates. @throws TypeError as `buildRequest` does. */
export function addressOf(spec: RequestSpec, baseUrl: string): string {
  const url = withoutHidden(resolve(spec.path, baseUrl));
  setQuery(url, spec.query);
  return url.href;
}

function setQuery(url: URL, query: RequestSpec['query']): void {
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== null) url.searchParams.set(name, String(value));
  }
}

function resolve(path: string, baseUrl: string): URL {
  const base = new URL(baseUrl);
  // A path is below the base URL's own path; a whole URL (next link) stands for itself.
  const url = /^https?:\/\//i.test(path)
    ? new URL(path)
    : new URL(base.pathname.replace(/\/$/, '') + below(path), base.origin);
  if (url.origin !== base.origin) {
    throw new TypeError(
      `The request leads to ${url.origin}, but this provider's base URL is ${base.origin}; credentials are not sent to other origins.`,
    );
  }
  return url;
}

/** What the URL parser makes of `..` in whatever spelling, of `\` and of line ends would lead elsewhere than the path says. */
function below(path: string): string {
  const [steps = ''] = path.split(/[?#]/, 1);
  const wrong = /[\\\p{Cc}]/u.test(steps) ? 'a backslash or a control character' : steps.split('/').find(isDots);
  if (wrong !== undefined)
    throw new TypeError(
      `The path ${JSON.stringify(path)} has ${wrong === '..' ? '".."' : wrong} in it, and would leave the base URL or lead elsewhere than it says. ` +
        'Write parts that come from data with the tag `path`, e.g. get(path`/users/${id}`).',
    );
  return path.startsWith('/') ? path : `/${path}`;
}

function isDots(step: string): boolean {
  return /^(?:\.|%2e){1,2}$/i.test(step);
}

/**
 * A next link that had the account's token in it: what authenticates is sent anew.
 * @throws TypeError when it stood where it can't be put back: without it the link leads elsewhere.
 */
function withoutHidden(url: URL): URL {
  for (const [name, value] of new URLSearchParams(url.search)) {
    if (value === HIDDEN) url.searchParams.delete(name);
    else if (value.includes(HIDDEN)) throw hiddenInside(`its parameter "${name}"`);
  }
  if (url.pathname.includes(HIDDEN)) throw hiddenInside('its path');
  return url;
}

function hiddenInside(place: string): TypeError {
  return new TypeError(
    `The next page's address has a secret of the account inside ${place}. Secrets are not stored, so it can't be asked for: ` +
      "make the request from the page's other fields, by a cursor or a number.",
  );
}

function lowerCase(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
