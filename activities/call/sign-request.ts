/**
 * What authenticates a request, put into it. It is made anew for each try and each hop of a redirect, because a
 * signature speaks of one address, one time and one nonce. Used by: `make-call.ts`,
 * `activities/credentials/probe-token.ts`. Next: `activities/http/send.ts`.
 */
import { randomBytes } from 'node:crypto';
import type { AccountFacts } from '../../contracts/account.ts';
import type { RequestSpec } from '../../contracts/answers/answer.ts';
import type { Credentials } from '../../contracts/secrets/credentials.ts';
import { fitsHost, isOneHost } from '../../contracts/hosts.ts';
import type { SecretFinder } from '../../contracts/secrets/secret-finder.ts';
import type { AppliedAuth } from '../../providers/auth/auth.ts';
import type { Provider } from '../../providers/define/define-provider.ts';
import { secretsOfCall } from '../credentials/known-secrets.ts';
import { unsignedRequest, withAuth } from '../http/build-request.ts';
import type { OutgoingRequest } from '../http/send.ts';

export interface SignedRequest {
  readonly outgoing: OutgoingRequest;
  /** Finds all that this request knows to be secret. */
  readonly secrets: SecretFinder;
}

/** @throws TypeError as `buildRequest` does. */
export function requestFor(provider: Provider, spec: RequestSpec, of: AccountFacts): OutgoingRequest {
  const request = unsignedRequest(spec, provider.baseUrl(of), provider.headers, provider);
  const isTrusted = !provider.isBaseFromAccount || mayBePrivate(provider, new URL(request.url));
  return isTrusted ? request : { ...request, isPublicOnly: true };
}

/** Of an address that comes from an account. A host that the definition names in full is meant, wherever it is. */
export function mayBePrivate({ allowPrivateAddresses, hosts }: Provider, url: URL): boolean {
  return allowPrivateAddresses || (hosts?.some((host) => isOneHost(host) && fitsHost(host, url)) ?? false);
}

/** @throws whatever the auth throws: a TypeError when the credentials lack what it needs. */
export function sign(
  provider: Provider,
  request: OutgoingRequest,
  credentials: Credentials | undefined,
  of: AccountFacts,
): SignedRequest {
  const applied = apply(provider, request, credentials, of);
  const outgoing = withCertificate(provider, withAuth(request, applied), credentials);
  return { outgoing, secrets: secretsOfCall(provider, credentials, applied) };
}

/** What the account shows in the handshake. @throws TypeError when it has nothing to show, or there is no handshake. */
export function withCertificate(
  { auth }: Pick<Provider, 'auth'>,
  request: OutgoingRequest,
  credentials: Credentials | undefined,
): OutgoingRequest {
  if (!auth.certificate) return request;
  const { protocol, origin } = new URL(request.url);
  if (protocol !== 'https:')
    throw new TypeError(
      `The request leads to ${origin}, where no client certificate can be shown: mtls() needs https.`,
    );
  return { ...request, certificate: auth.certificate(credentials ?? {}) };
}

function apply(
  { auth }: Pick<Provider, 'auth'>,
  { method, url, headers, body }: OutgoingRequest,
  credentials: Credentials | undefined,
  of: AccountFacts,
): AppliedAuth {
  // Only a signature asks for these, and they cost more than all else here.
  let address: URL | undefined;
  let nonce: string | undefined;
  return auth.apply(credentials, {
    ...of,
    method,
    get url() {
      return (address ??= new URL(url));
    },
    headers,
    body,
    now: new Date(),
    get nonce() {
      return (nonce ??= randomBytes(16).toString('hex'));
    },
  });
}

/** Whether a call with these would be authenticated: a name and a password alone may first have to be changed for a token. */
export function authenticates(provider: Pick<Provider, 'auth'>, credentials: Credentials, of: AccountFacts): boolean {
  if (credentials.accessToken) return true;
  const request = { method: 'GET', url: 'https://third-party.invalid/', headers: {} };
  try {
    const { headers, query, body, path } = apply(provider, request, credentials, of);
    return Object.keys({ ...headers, ...query, ...body, ...path }).length > 0;
  } catch {
    return false; // what it lacks is said by the call that needs it
  }
}
