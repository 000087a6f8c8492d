/**
 * The accounts that an app has connected: their secrets go into the encrypted store, their status comes out of it.
 * Next: `db/stores/account/credential-store.ts`; workers use the secrets in `activities/credentials/stored-credentials.ts`.
 */
import type { AccountDetails, AccountInfo, AccountStatus, ListedAccount, SecretUse } from '../../contracts/account.ts';
import type { ErasureProof, ErasureRest } from '../../contracts/operate/erasure.ts';
import {
  connectAccount,
  countAccounts,
  listAccounts,
  listSecretUses,
  noteSecretUses,
  readAccount,
  removeAccount,
  rotateEncryption,
  updateSettings,
  type Keyring,
  type SecretUseCounter,
} from '../../db/index.ts';
import type { Provider } from '../../providers/define/define-provider.ts';
import { eraseAccount, whatIsStored } from '../erase/erase-account.ts';
import { readAccountDetails } from './account-details.ts';
import { checkConnect, checkSettings } from './check-connect.ts';
import type { NewCredentials } from './check-credentials.ts';
import { checkAccount } from '../options/check-options.ts';
import type { ClientParts } from '../start-workflow.ts';
import { resumeReconnected } from './resume-reconnected.ts';

export interface AccountName<Settings = unknown> {
  /** The provider, or its id. With the provider itself, settings are held against its schema at once. */
  readonly provider: Provider<unknown, Settings> | string;
  readonly account: string;
}

/** What is no secret: the domain of a shop, a region, a plan. By the schema that the provider was defined with. */
interface WithSettings<Settings> {
  readonly settings?: NoInfer<Settings>;
}

export interface Accounts {
  /**
   * Stores what a login brought, for a new account or over what an old one had, and lets its paused syncs go on. Settings that are left
   * out stay as they were; credentials may be left out where settings are all that there is.
   * @throws EncryptionKeyError when there is no key to encrypt with; it says how to make one.
   * @throws SettingsMistake, a TypeError, when the settings do not fit the provider. A TypeError with all of it, a line each, where more
   * than that is wrong.
   * @throws TenantMismatch when the account belongs to another tenant; nothing is changed.
   */
  connect<Settings>(
    options: AccountName<Settings> &
      WithSettings<Settings> & {
        readonly tenant?: string;
        /** Gives an account that belongs to another tenant to this one. Default false. */
        readonly replaceTenant?: boolean;
        readonly credentials?: NewCredentials;
      },
  ): Promise<AccountInfo>;
  /**
   * Replaces the settings of an account: its plan has changed, its domain. Calls see them within some seconds; what has failed because of
   * the old ones is read by `retryFailed()`.
   * @throws SettingsMistake, a TypeError, when they do not fit the provider; TypeError for an account that is not known.
   */
  update<Settings>(options: AccountName<Settings> & { readonly settings: NoInfer<Settings> }): Promise<AccountInfo>;
  /**
   * The user has connected the account again: its syncs that were paused for it go on by themselves. One that an
   * operator has paused does not. Leave `credentials` out when workers get them from a source of your own.
   */
  reconnected(options: AccountName & { readonly credentials?: NewCredentials }): Promise<AccountInfo>;
  /** @returns undefined for an account that is not known. */
  status(of: AccountName): Promise<AccountInfo | undefined>;
  /**
   * All that is known of an account: its token's state, the limits it waits for, each sync's last good run and next
   * one. One entry for each provider that has an account of this name; empty when nothing is known of it.
   */
  show(of: {
    readonly account: string;
    readonly provider?: Provider | string;
    readonly tenant?: string;
  }): Promise<readonly AccountDetails[]>;
  /** How many there are of each status; counted up to 10,000, what is more is 10,001. */
  count(of?: { readonly provider?: Provider | string }): Promise<Readonly<Record<AccountStatus, number>>>;
  /**
   * The latest change of status first, at most `limit` (default 1,000); `after` continues behind the last one seen.
   * @throws TypeError when `after` is not the `place` of an account.
   */
  list(filter?: {
    readonly status?: AccountStatus;
    readonly provider?: Provider | string;
    readonly tenant?: string;
    readonly after?: string;
    readonly limit?: number;
  }): Promise<readonly ListedAccount[]>;
  /**
   * Deletes its secrets. What was synced stays; a sync that goes on pauses. With `revoke` a worker tells the third party within some
   * seconds, by what the provider's auth says (`oauth2({ revokeUrl })`, `revocable()`), and tries for a day.
   * @returns false when it was not known.
   * @throws TypeError when the provider is given itself and does not say how to revoke.
   */
  disconnect(of: AccountName & { readonly revoke?: boolean }): Promise<boolean>;
  /**
   * Erases an account: stops what is open, has its token revoked where the provider says how, and asks Temporal to
   * delete its histories. All that is stored of it is deleted: rows, feed, reports, inputs, quarantine, its own keys of
   * limits, secrets. Takes some seconds, up to a minute where workers are away. One that was cut off is run again. What
   * the app's own `store` keeps is the app's to delete.
   */
  erase(of: AccountName): Promise<ErasureProof>;
  /** What is stored of an account: what `erase` would delete. Nothing is changed. */
  stored(of: AccountName): Promise<ErasureRest>;
  /** Encrypts all secrets with the first of the keys. @returns how many were encrypted with another one before. */
  rotateKeys(): Promise<number>;
  /** Who used the secrets of which account, for what, in which hour, how often; the latest hour first, at most `limit` (1,000). */
  secretUses(filter?: {
    readonly provider?: Provider | string;
    readonly account?: string;
    /** ISO time: nothing that ended before it. */
    readonly since?: string;
    readonly limit?: number;
  }): Promise<readonly SecretUse[]>;
}

export function createAccounts(
  parts: ClientParts,
  keyring: () => Promise<Keyring>,
  secretUses: SecretUseCounter,
): Accounts {
  const { client, pool } = parts;
  const connect = async (
    name: AccountName,
    credentials: NewCredentials | undefined,
    more: { readonly tenant?: string; readonly settings?: unknown; readonly mayChangeTenant?: boolean } = {},
  ): Promise<AccountInfo> => {
    checkConnect({ ...name, ...more, credentials });
    const of = toRef(name);
    if (more.settings === undefined)
      checkSettings(name.provider, name.account, (await readAccount(pool, of))?.settings);
    const keys = credentials && (await keyring());
    await connectAccount(pool, keys, { ...of, ...more }, credentials);
    // After the commit: whatever paused for this account before it is seen now, and nothing pauses for it any more.
    await resumeReconnected(pool, client, of);
    return (await readAccount(pool, of)) as AccountInfo;
  };
  return {
    connect: async ({ provider, account, credentials, tenant, settings, replaceTenant = false }) => {
      if (credentials === undefined && settings === undefined)
        throw new TypeError(
          '`credentials` are missing; an account without any has at least `settings`. Where the own client of the app is all that it takes, write `credentials: {}`.',
        );
      return connect({ provider, account }, credentials, {
        mayChangeTenant: replaceTenant,
        ...(tenant === undefined ? {} : { tenant }),
        ...(settings === undefined ? {} : { settings }),
      });
    },
    update: async ({ settings, ...name }) => {
      const of = toRef(name);
      if (settings === undefined)
        throw new TypeError('`settings` are missing; accounts.update() replaces all of them, by null with none.');
      checkSettings(name.provider, name.account, settings);
      if (!(await updateSettings(pool, of, settings)))
        throw new TypeError(
          `Account "${of.account}" is not known at "${of.provider}"; connect it first, with accounts.connect({ …, settings }).`,
        );
      return (await readAccount(pool, of)) as AccountInfo;
    },
    reconnected: async ({ credentials, ...name }) => {
      const of = toRef(name);
      if (credentials !== undefined && !(await readAccount(pool, of)))
        throw new TypeError(
          `Account "${of.account}" was never connected at "${of.provider}"; connect it with accounts.connect({ …, credentials }).`,
        );
      return connect(name, credentials);
    },
    status: (of) => readAccount(pool, toRef(of)),
    show: ({ provider, ...of }) => {
      checkAccount(of.account);
      return readAccountDetails(parts, { ...of, ...(provider === undefined ? {} : { provider: idOf(provider) }) });
    },
    count: ({ provider } = {}) => countAccounts(pool, provider === undefined ? undefined : idOf(provider)),
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
    erase: (name) => eraseAccount(parts, toRef(name)),
    stored: (name) => whatIsStored(parts, toRef(name)),
    rotateKeys: async () => {
      try {
        return await rotateEncryption(pool, await keyring());
      } finally {
        await secretUses.flush((uses, telling) => noteSecretUses(pool, uses, telling));
      }
    },
    secretUses: ({ provider, ...filter } = {}) =>
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
