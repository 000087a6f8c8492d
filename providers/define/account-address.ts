/**
 * Where a provider is reached. It has one base URL, or one for each account, made from its settings and held against
 * the hosts that the definition allows. Next: `activities/http/build-request.ts`.
 */
import type { AccountFacts } from '../../contracts/account.ts';
import { fitsHost } from '../../contracts/hosts.ts';
import type { Provider } from './define-provider.ts';
import type { ProviderOptions } from './provider-options.ts';

type Addresses = Pick<Provider, 'baseUrl' | 'hosts' | 'isBaseFromAccount'>;

export function createAddresses({ id, baseUrl, hosts }: ProviderOptions<unknown>): Addresses {
  if (typeof baseUrl !== 'function') return { baseUrl: () => baseUrl, hosts, isBaseFromAccount: false };
  // What takes no account is configuration of the app's own.
  if (!hosts || baseUrl.length === 0)
    return { baseUrl: () => (baseUrl as () => string)(), hosts, isBaseFromAccount: false };
  return { baseUrl: (of) => allowed(id, baseUrl(of), hosts, of), hosts, isBaseFromAccount: true };
}

function allowed(id: string, address: string, hosts: readonly string[], { account }: AccountFacts): string {
  if (!URL.canParse(address))
    throw new TypeError(
      `The base URL of account "${account}" is ${JSON.stringify(address)}, which is no absolute URL; look at its settings.`,
    );
  const url = new URL(address);
  if (hosts.some((pattern) => fitsHost(pattern, url))) return address;
  throw new TypeError(
    `The base URL of account "${account}" leads to ${url.host}, but provider "${id}" allows ${hosts.join(', ')} only (\`hosts\`); ` +
      'nothing was sent there. Look at the settings of the account.',
  );
}
