/**
 * The accounts that an app has connected: their secrets go into the encrypted store, their status comes out of it.
 * Next stop: `db/stores/account/credential-store.ts`; workers use the secrets in `activities/credentials/stored-credentials.ts`.
 */
import { WorkflowNotFoundError } from '@temporalio/client';
import type { AccountInfo, AccountStatus, SecretUse } from '../contracts/account.ts';
import { signalNames } from '../contracts/names.ts';
import {
  connectAccount,
  listAccounts,
  listSecretUses,
  noteSecretUses,
  readAccount,
  removeAccount,
  rotateEncryption,
  runsToResume,
  type Keyring,
  type SecretUseCounter,
} from '../db/index.ts';
import type { Provider } from '../providers/define/define-provider.ts';
import { checkCredentials, type NewCredentials } from './check-credentials.ts';
import { checkAccount, checkName } from './check-options.ts';
import type { ClientParts } from './start-workflow.ts';

export interface AccountName {
  /** The provider, or its id. */
  readonly provider: Provider | string;
  readonly account: string;
}

export interface Accounts {
  /**
   * Stores what a login brought, for a new account or over what an old one had, and lets its paused syncs go on.
   * @throws EncryptionKeyError when there is no key to encrypt with; it says how to make one.
   * @throws TenantMismatch when the account belongs to another tenant; nothing is changed.
   */
  connect(
    options: AccountName & {
      readonly tenant?: string;
      /** Gives an account that belongs to another tenant to this one. Default false. */
      readonly replaceTenant?: boolean;
      readonly credentials: NewCredentials;
    },
  ): Promise<AccountInfo>;
  /**
   * The user has connected the account again: its syncs that were paused for it go on by themselves; one that an
   * operator has paused does not. Leave `credentials` out when workers get them from a source of your own.
   */
  reconnected(options: AccountName & { readonly credentials?: NewCredentials }): Promise<AccountInfo>;
  /** @returns undefined for an account that is not known. */
  status(of: AccountName): Promise<AccountInfo | undefined>;
  /** The latest change of status first, at most `limit` (default 1,000). */
  list(filter?: {
    readonly status?: AccountStatus;
    readonly provider?: Provider | string;
    readonly tenant?: string;
    readonly limit?: number;
  }): Promise<readonly AccountInfo[]>;
  /**
   * Deletes its secrets. What was synced stays; a sync that goes on pauses. With `revoke` a worker tells the third party within some
   * seconds, by what the provider's auth says (`oauth2({ revokeUrl })`, `revocable()`), and tries for a day.
   * @returns false when it was not known.
   * @throws TypeError when the provider is given itself and does not say how to revoke.
   */
  disconnect(of: AccountName & { readonly revoke?: boolean }): Promise<boolean>;
  /** Encrypts all secrets with the first of the keys. @returns how many were encrypted with another one before. */
  rotateKeys(): Promise<number>;
  /** Who used the secrets of which account, for what, in which hour, how often; the latest hour first, at most `limit` (1,000). */
  audit(filter?: {
    readonly provider?: Provider | string;
    readonly account?: string;
    /** ISO time: nothing that ended before it. */
    readonly since?: string;
    readonly limit?: number;
  }): Promise<readonly SecretUse[]>;
}

export function createAccounts(
  { client, pool }: Pick<ClientParts, 'client' | 'pool'>,
  keyring: () => Promise<Keyring>,
  secretUses: SecretUseCounter,
): Accounts {
  const connect = async (
    name: AccountName,
    credentials: NewCredentials | undefined,
    tenant?: string,
    mayChangeTenant = false,
  ): Promise<AccountInfo> => {
    const of = toRef(name);
    if (tenant !== undefined) checkName('tenant', tenant);
    if (credentials) checkCredentials(credentials);
    const keys = credentials && (await keyring());
    await connectAccount(
      pool,
      keys,
      { ...of, mayChangeTenant, ...(tenant === undefined ? {} : { tenant }) },
      credentials,
    );
    // After the commit: whatever paused for this account before it is seen now, and nothing pauses for it any more.
    for (const { workflowId } of await runsToResume(pool, of)) {
      await client.workflow
        .getHandle(workflowId)
        .signal(signalNames.reconnected)
        .catch((error: unknown) => {
          if (!(error instanceof WorkflowNotFoundError)) throw error; // a run whose workflow was terminated
        });
    }
    return (await readAccount(pool, of)) as AccountInfo;
  };
  return {
    connect: ({ credentials, tenant, replaceTenant, ...name }) => connect(name, credentials, tenant, replaceTenant),
    reconnected: ({ credentials, ...name }) => connect(name, credentials),
    status: (of) => readAccount(pool, toRef(of)),
    list: ({ provider, ...filter } = {}) =>
      listAccounts(pool, { ...filter, ...(provider === undefined ? {} : { provider: idOf(provider) }) }),
    disconnect: async ({ revoke = false, ...name }) => {
      if (revoke && typeof name.provider !== 'string' && !name.provider.auth.revoke)
        throw new TypeError(
          `provider "${name.provider.id}" does not say how credentials are revoked: give its auth a revocation, by ` +
            'oauth2({ revokeUrl }) or revocable().',
        );
      return removeAccount(pool, toRef(name), revoke);
    },
    rotateKeys: async () => {
      try {
        return await rotateEncryption(pool, await keyring());
      } finally {
        await secretUses.flush((uses) => noteSecretUses(pool, uses));
      }
    },
    audit: ({ provider, ...filter } = {}) =>
      listSecretUses(pool, { ...filter, ...(provider === undefined ? {} : { provider: idOf(provider) }) }),
  };
}

function toRef({ provider, account }: AccountName): { provider: string; account: string } {
  checkAccount(account);
  return { provider: idOf(provider), account };
}

function idOf(provider: Provider | string): string {
  return typeof provider === 'string' ? provider : provider.id;
}
