/**
 * Requests to hosts that an endpoint names as open, e.g. where results of jobs are kept under presigned addresses.
 * Nothing of the account and nothing of the provider goes there. Used by: `make-call.ts`,
 * `activities/sync/call-once.ts`.
 */
import type { AccountFacts } from '../../contracts/account.ts';
import { plainHttpMistake } from '../../contracts/addresses.ts';
import type { RequestSpec } from '../../contracts/answers/answer.ts';
import { fitsHost, isOneHost } from '../../contracts/hosts.ts';
import type { Provider } from '../../providers/define/define-provider.ts';
import { setQuery } from '../http/build-request.ts';
import type { OutgoingRequest } from '../http/send.ts';

/** Whether an address leads to an open host, and not to the provider's own. */
export function isOpenAddress(
  provider: Provider,
  of: AccountFacts,
  openHosts: readonly string[],
  address: string,
): boolean {
  if (openHosts.length === 0 || !/^https?:\/\//i.test(address) || !URL.canParse(address)) return false;
  const url = new URL(address);
  const isOwn =
    url.origin === new URL(provider.baseUrl(of)).origin ||
    (provider.hosts?.some((host) => isOneHost(host) && fitsHost(host, url)) ?? false);
  return !isOwn && openHosts.some((host) => fitsHost(host, url));
}

/** @throws TypeError for anything but a read, and for an address that would go in clear over a network. */
export function openRequest(provider: Provider, openHosts: readonly string[], spec: RequestSpec): OutgoingRequest {
  const url = new URL(spec.path);
  setQuery(url, spec.query);
  const mistake = provider.allowPlainHttp ? undefined : plainHttpMistake(url.href);
  if (mistake !== undefined) throw new TypeError(`The request ${mistake}`);
  if (spec.method !== 'GET')
    throw new TypeError(`The request leads to the open host ${url.host}, which is only read from: use get().`);
  const isMeant = provider.allowPrivateAddresses || openHosts.some((host) => isOneHost(host) && fitsHost(host, url));
  return { method: 'GET', url: url.href, headers: { ...spec.headers }, ...(isMeant ? {} : { isPublicOnly: true }) };
}
