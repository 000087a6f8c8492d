/**
 * One plain XRPC call to a PDS, for seeding and for tests: the part of this example that is not done through Sluice, so that
 * what the sync stores is compared with something that does not share its code.
 */

export interface XrpcCall {
  /** The NSID, such as `com.atproto.repo.listRecords`. */
  readonly method: string;
  readonly params?: Readonly<Record<string, string | number | undefined>>;
  /** JSON body, which makes the call a POST. */
  readonly input?: unknown;
  /** A POST without a body, as `refreshSession` wants it. */
  readonly post?: boolean;
  readonly token?: string;
  /** Lets the call pass the rate limit, uncounted. */
  readonly bypassKey?: string;
  /** The IP that the call claims to come from; a PDS believes it from loopback. */
  readonly fromIp?: string;
}

/** Makes the call and returns its JSON. @throws {Error} with the method, the status and the body when it is not 2xx. */
export async function callXrpc<Body>(url: string, call: XrpcCall): Promise<Body> {
  const response = await sendXrpc(url, call);
  const text = await response.text();
  if (!response.ok) throw new Error(`${call.method} answered ${response.status}: ${text}`);
  return JSON.parse(text) as Body;
}

/** Makes the call and returns the answer as it is, refusals too. */
export async function sendXrpc(url: string, call: XrpcCall): Promise<Response> {
  const address = new URL(`/xrpc/${call.method}`, url);
  for (const [name, value] of Object.entries(call.params ?? {})) {
    if (value !== undefined) address.searchParams.set(name, String(value));
  }
  const headers = new Headers();
  if (call.token !== undefined) headers.set('authorization', `Bearer ${call.token}`);
  if (call.bypassKey !== undefined) headers.set('x-ratelimit-bypass', call.bypassKey);
  if (call.fromIp !== undefined) headers.set('x-forwarded-for', call.fromIp);
  if (call.input === undefined) return fetch(address, { method: call.post === true ? 'POST' : 'GET', headers });
  headers.set('content-type', 'application/json');
  return fetch(address, { method: 'POST', headers, body: JSON.stringify(call.input) });
}
