/**
 * Makes the request that goes over the wire from what an endpoint states: base URL and default headers first, then what authenticates.
 * Used by: `activities/call/sign-request.ts`. Next: `send.ts`.
 */
import { plainHttpMistake } from '../../contracts/addresses.ts';
import type { RequestSpec } from '../../contracts/answers/answer.ts';
import type { AppliedAuth } from '../../providers/auth/auth.ts';
import { fitsHost, isOneHost } from '../../contracts/hosts.ts';
import { bodyOf } from './request-body.ts';
import { fieldsOf } from './request-fields.ts';
import { HIDDEN } from './hide-secrets.ts';
import type { Provider } from '../../providers/define/define-provider.ts';
import type { OutgoingRequest } from './send.ts';

/** Where requests of a provider may lead. */
type Allowed = Partial<Pick<Provider, 'allowPlainHttp' | 'hosts'>>;

/**
 * @throws TypeError when the path leads to another origin than the base URL's or a host that the provider names.
 *   Credentials are never sent elsewhere, e.g. by a next link that a third party got wrong. TypeError too when the path
 *   leaves the base URL's own path, or would go in clear over a network.
 */
export function buildRequest(
  spec: RequestSpec,
  baseUrl: string,
  auth: AppliedAuth,
  defaultHeaders: Readonly<Record<string, string>>,
  allowed: Allowed = {},
): OutgoingRequest {
  return withAuth(unsignedRequest(spec, baseUrl, defaultHeaders, allowed), auth);
}

/** The request without what authenticates. @throws TypeError as `buildRequest` does. */
export function unsignedRequest(
  spec: RequestSpec,
  baseUrl: string,
  defaultHeaders: Readonly<Record<string, string>>,
  { allowPlainHttp = false, hosts }: Allowed = {},
): OutgoingRequest {
  const url = withoutHidden(resolve(spec.path, baseUrl, hosts));
  const mistake = allowPlainHttp ? undefined : plainHttpMistake(url.href);
  if (mistake !== undefined) throw new TypeError(`The request ${mistake}`);
  setQuery(url, spec.query);
  const body = bodyOf(spec);
  return {
    method: spec.method,
    url: url.href,
    headers: {
      accept: 'application/json',
      ...(body === undefined ? {} : { 'content-type': body.type }),
      ...lowerCase(defaultHeaders),
      ...lowerCase(spec.headers ?? {}),
    },
    ...(body === undefined ? {} : { body: body.text }),
  };
}

/** The same request with what authenticates. @throws TypeError when that belongs into a body that can't take it. */
export function withAuth(request: OutgoingRequest, { headers = {}, query, body, path }: AppliedAuth): OutgoingRequest {
  const url = path === undefined ? request.url : withParts(request.url, path);
  return {
    ...request,
    url: query === undefined ? url : withQuery(url, query),
    headers: { ...request.headers, ...lowerCase(headers) },
    ...(body === undefined ? {} : { body: withFields(request, body) }),
  };
}

function withFields({ headers, body }: OutgoingRequest, fields: Readonly<Record<string, string>>): string {
  const type = headers['content-type'] ?? '';
  if (body !== undefined && type.startsWith('application/x-www-form-urlencoded')) {
    const form = new URLSearchParams(body);
    for (const [name, value] of Object.entries(fields)) form.set(name, value);
    return form.toString();
  }
  const json: unknown = body !== undefined && type.includes('json') ? JSON.parse(body) : undefined;
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return JSON.stringify({ ...json, ...fields });
  throw new TypeError(
    `The auth adds ${Object.keys(fields).join(', ')} to the body, and this request has no form and no JSON object; give it \`form\` or \`json\`.`,
  );
}

function withQuery(address: string, query: RequestSpec['query']): string {
  const url = new URL(address);
  setQuery(url, query);
  return url.href;
}

/** @throws TypeError where nothing stands for it: the call would go out without it. */
function withParts(address: string, parts: Readonly<Record<string, string>>): string {
  const url = new URL(address);
  for (const [name, value] of Object.entries(parts)) {
    // Tokens as `123:abc` stand in paths as they are.
    const part = encodeURIComponent(value).replaceAll('%3A', ':');
    const isThere = url.pathname.includes(part); // an address that the third party itself has given
    if (!isThere && !url.pathname.includes(name))
      throw new TypeError(
        `The auth puts a key in the place of "${name}" in the path, and there is none in this one; write it, e.g. baseUrl: "https://api.example/${name}".`,
      );
    if (!isThere) url.pathname = url.pathname.split(name).join(part);
  }
  return url.href;
}

/** Parameters of the same names are replaced, e.g. those of a next link. */
export function setQuery(url: URL, query: RequestSpec['query']): void {
  const given = fieldsOf('query', query);
  if (given.length === 0) return;
  for (const name of new Set(given.map(([each]) => each))) url.searchParams.delete(name);
  for (const [name, value] of given) url.searchParams.append(name, value);
  // A blank, for everybody: a plus sign is one in forms alone.
  if (url.search.includes('+')) url.search = url.search.replaceAll('+', '%20');
}

/** A pattern stands for the hosts of many accounts: no link leads from one of them to another. */
function isNamed(hosts: readonly string[] | undefined, url: URL): boolean {
  return hosts?.some((host) => isOneHost(host) && fitsHost(host, url)) ?? false;
}

function resolve(path: string, baseUrl: string, hosts: readonly string[] | undefined): URL {
  const base = new URL(baseUrl);
  // A path is below the base URL's own path; a whole URL (next link) stands for itself.
  const url = /^https?:\/\//i.test(path)
    ? new URL(path)
    : new URL(base.pathname.replace(/\/$/, '') + below(path), base.origin);
  if (url.origin !== base.origin && !isNamed(hosts, url)) {
    throw new TypeError(
      `The request leads to ${url.origin}, but this provider's base URL is ${base.origin}; credentials are not sent to other origins. ` +
        `If ${url.host} is the provider's own, name it in its \`hosts\`; to ask it without credentials, in \`openHosts\` of the endpoint.`,
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
