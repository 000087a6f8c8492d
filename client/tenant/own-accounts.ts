/** The accounts of one tenant, and what concerns the accounts of all refused. Used by: `bind-tenant.ts`. */
import { TenantMismatch } from '../../db/index.ts';
import type { AccountName, Accounts } from '../account/accounts.ts';
import { forAllTenants, type Ownership } from './ownership.ts';

export function ownAccounts({ tenant, stated, ownsAccount }: Ownership, accounts: Accounts): Accounts {
  const isOwn = ({ provider, account }: AccountName): Promise<boolean> =>
    ownsAccount(typeof provider === 'string' ? provider : provider.id, account);
  const own = async (of: AccountName): Promise<void> => {
    if (!(await isOwn(of))) throw new TenantMismatch({ account: of.account }, tenant);
  };
  return {
    connect: async ({ replaceTenant, ...options }) => {
      if (replaceTenant) await forAllTenants('To replace a tenant')();
      return accounts.connect(stated(options));
    },
    reconnected: async (options) => {
      await own(options);
      return accounts.reconnected(options);
    },
    status: async (of) => ((await isOwn(of)) ? accounts.status(of) : undefined),
    update: async (options) => {
      await own(options);
      return accounts.update(options);
    },
    show: async (of) => accounts.show(stated(of)),
    count: async () => forAllTenants('Counts of accounts')(),
    list: async (filter = {}) => accounts.list(stated(filter)),
    disconnect: async (of) => ((await isOwn(of)) ? accounts.disconnect(of) : false),
    erase: async (of) => {
      await own(of);
      return accounts.erase(of);
    },
    stored: async (of) => {
      await own(of);
      return accounts.stored(of);
    },
    rotateKeys: async () => forAllTenants('To rotate keys')(),
    secretUses: async (filter = {}) => {
      const { provider, account } = filter;
      if (provider === undefined || account === undefined)
        throw new TypeError('A client that is bound to a tenant gives `provider` and `account` whose uses it wants.');
      return (await isOwn({ provider, account })) ? accounts.secretUses(filter) : [];
    },
  };
}
