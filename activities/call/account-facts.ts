/**
 * What the functions of a provider may know of the account that they work for, from what is stored of it. Used by: whatever makes a call.
 */
import type { AccountFacts } from '../../contracts/account.ts';
import type { Provider } from '../../providers/define/define-provider.ts';

export interface StoredAccount {
  readonly account: string;
  readonly tenant: string | null;
  /** As they were given; null when there are none. */
  readonly settings: unknown;
}

/** @throws SettingsMistake when the settings do not fit the provider. */
export function accountFacts(provider: Provider, { account, tenant, settings }: StoredAccount): AccountFacts {
  return { account, tenant: tenant ?? account, settings: provider.settingsOf(settings, account) };
}
