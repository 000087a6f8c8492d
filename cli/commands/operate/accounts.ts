/**
 * `sluice accounts …`: who is connected, who must connect again, and the keys that encrypt their secrets.
 * Next: `client/account/accounts.ts`.
 */
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import type { AccountInfo, Accounts, AccountStatus, NewCredentials, Sluice } from '../../../client/index.ts';
import { acting, type ActingOptions } from '../../acting.ts';
import { afterOption, jsonOption, limitOption, providerOption, statusOption, tenantOption } from '../../options.ts';
import { accountText, unknownAccountText } from '../../text/account.ts';
import { isNothing, proofText, restText } from '../../text/erasure.ts';
import { meantProvider } from '../../module/meant-provider.ts';
import { tellFound, tellUnknownNames } from '../../known-names.ts';
import { tell } from '../../tell.ts';
import { counted } from '../../../contracts/limits/limit-words.ts';
import { jsonValue, numberAboveZero } from '../../values.ts';
import { withClient } from '../../with-client.ts';

interface ListOptions {
  readonly status?: AccountStatus;
  readonly provider?: string;
  readonly tenant?: string;
  readonly after?: string;
  readonly limit: number;
  readonly json?: boolean;
}

interface ConnectOptions extends ActingOptions {
  readonly module?: string;
  readonly newProvider?: boolean;
  readonly tenant?: string;
  readonly settings?: unknown;
  readonly expiresIn?: number;
  readonly replaceTenant?: boolean;
}

const SETTINGS = 'what is no secret, as JSON: {"shop": "acme", "plan": "pro"}';
const toSettings = jsonValue('{"shop":"acme"}');

export function registerAccounts(program: Command): void {
  const accounts = program.command('accounts').description('accounts at third parties: connected or not');
  accounts
    .command('list')
    .description('accounts, the latest change first')
    .addOption(statusOption(['connected', 'needs_reconnect']))
    .addOption(providerOption())
    .addOption(tenantOption())
    .addOption(afterOption())
    .addOption(limitOption(100))
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  npx sluice accounts list --status needs_reconnect --provider social')
    .action(list);
  accounts
    .command('status <provider> <account>')
    .description('one account; exit code 1 when it is not connected')
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  npx sluice accounts status social acct_42')
    .action(showStatus);
  accounts
    .command('show <account>')
    .description(
      "its token's end, what it waits for, last good and next run of each sync. Exit code 1 when it is unknown or must be connected again",
    )
    .addOption(providerOption())
    .addOption(tenantOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  npx sluice accounts show acct_42 --provider social')
    .action(show);
  acting(accounts.command('connect <provider> <account>'))
    .description(
      'store credentials, read as JSON from standard input: {"accessToken": …, "refreshToken": …}. With --settings it may be empty',
    )
    .addOption(tenantOption())
    .option('--expires-in <seconds>', 'life of the access token from now', numberAboveZero)
    .option('--settings <json>', SETTINGS, toSettings)
    .option('--replace-tenant', 'also when it belongs to another tenant')
    .option(
      '-m, --module <file>',
      'your module: the provider must be one of its own, and settings fit it (default: not looked at)',
    )
    .option('--new-provider', 'also when its name is much like one that is known here')
    .addHelpText('after', '\nExample:\n  npx sluice accounts connect social acct_42 --tenant acme < credentials.json')
    .action(connectAccount);
  acting(accounts.command('update <provider> <account>'))
    .description('replace the settings of an account; its secrets stay')
    .requiredOption('--settings <json>', SETTINGS, toSettings)
    .addHelpText('after', '\nExample:\n  npx sluice accounts update shop acct_42 --settings \'{"shop":"acme"}\'')
    .action(update);
  acting(accounts.command('disconnect <provider> <account>'))
    .description('delete its secrets; what was synced stays; exit code 1 when it is unknown')
    .option('--revoke', 'also have a worker tell the third party, where the provider says how', false)
    .addHelpText('after', '\nExample:\n  npx sluice accounts disconnect social acct_42 --why "its user has left"')
    .action(disconnect);
  acting(accounts.command('erase <provider> <account>'))
    .description(
      'delete all that is stored of it, and its histories at Temporal; without --yes it only says what there is. Exit code 1: something is left, or no such account was known',
    )
    .option('--yes', 'erase it; nothing brings it back')
    .addHelpText('after', '\nExample:\n  npx sluice accounts erase social acct_42 --yes --why "asked for by its user"')
    .action(erase);
  acting(accounts.command('rotate-keys'))
    .description('encrypt all secrets with the first key of SLUICE_ENCRYPTION_KEYS')
    .addHelpText('after', '\nExample:\n  npx sluice accounts rotate-keys')
    .action(rotateKeys);
}

const list = ({ json, ...filter }: ListOptions) =>
  withAccounts(async (accounts, sluice) => {
    const found = await accounts.list(filter);
    const names = { provider: filter.provider, tenant: filter.tenant };
    await tellFound(sluice, { json, ...filter }, found, {
      none: 'No accounts.',
      line,
      names,
      placeOf: (last) => last.place,
    });
  });

const showStatus = (provider: string, account: string, { json }: { readonly json?: boolean }) =>
  withAccounts(async (accounts, sluice) => {
    const found = await accounts.status({ provider, account });
    if (json) console.log(JSON.stringify(found ?? null));
    else console.log(found ? line(found) : unknownAccountText(`${provider}/${account}`));
    if (found?.status !== 'connected') process.exitCode = 1;
    if (!found) await tellUnknownNames(sluice, { provider, account });
  });

const show = (account: string, { json, ...filter }: Omit<ListOptions, 'status' | 'after' | 'limit'>) =>
  withAccounts(async (accounts, sluice) => {
    const found = await accounts.show({ account, ...filter });
    if (json) console.log(JSON.stringify(found));
    else console.log(found.length === 0 ? unknownAccountText(account) : found.map(accountText).join('\n'));
    if (found.length === 0 || found.some(({ status }) => status === 'needs_reconnect')) process.exitCode = 1;
    if (found.length === 0) await tellUnknownNames(sluice, { account, ...filter });
  });

const connectAccount = (
  provider: string,
  account: string,
  { tenant, expiresIn, settings, replaceTenant = false, module, newProvider = false, ...options }: ConnectOptions,
) =>
  withAccounts(async (accounts, sluice) => {
    // Arguments would stand in the shell's history and in the list of processes.
    const read = await text(process.stdin);
    const isEmpty = read.trim() === '';
    if (isEmpty && settings === undefined)
      throw new Error(
        'Standard input is empty. Expected {"accessToken": "…", "refreshToken": "…"}; an account without credentials has --settings.',
      );
    const given = {
      provider: await meantProvider(sluice, provider, { module, isNew: newProvider }),
      account,
      ...(tenant === undefined ? {} : { tenant }),
      ...(isEmpty ? {} : { credentials: readCredentials(read, expiresIn) }),
      ...(settings === undefined ? {} : { settings }),
    };
    const { checkConnect } = await import('../../../client/account/check-connect.ts');
    checkConnect(given, { isHandWritten: true });
    const connected = await accounts.connect({ ...given, replaceTenant });
    tell(options, connected, line(connected));
  }, options);

const update = (provider: string, account: string, options: ActingOptions & { readonly settings: unknown }) =>
  withAccounts(async (accounts, sluice) => {
    const updated = await accounts
      .update({ provider, account, settings: options.settings })
      .catch(async (error: unknown) => {
        await tellUnknownNames(sluice, { provider, account });
        throw error;
      });
    tell(options, updated, line(updated));
  }, options);

const disconnect = (provider: string, account: string, options: ActingOptions & { readonly revoke: boolean }) =>
  withAccounts(async (accounts, sluice) => {
    const wasKnown = await accounts.disconnect({ provider, account, revoke: options.revoke });
    const name = `${provider}/${account}`;
    tell(options, { provider, account, wasKnown }, wasKnown ? `${name}  disconnected` : unknownAccountText(name));
    if (wasKnown) return;
    process.exitCode = 1;
    await tellUnknownNames(sluice, { provider, account });
  }, options);

const erase = (provider: string, account: string, options: ActingOptions & { readonly yes?: boolean }) =>
  withAccounts(async (accounts, sluice) => {
    const of = { provider, account };
    if (!options.yes) {
      const stored = await accounts.stored(of);
      console.log(options.json ? JSON.stringify(stored) : restText(`${provider}/${account}`, stored));
      process.exitCode = 1;
      return isNothing(stored) ? tellUnknownNames(sluice, of) : undefined;
    }
    const proof = await accounts.erase(of);
    console.log(options.json ? JSON.stringify(proof) : proofText(proof));
    if (!proof.isComplete || !proof.wasKnown) process.exitCode = 1;
    if (!proof.wasKnown) await tellUnknownNames(sluice, of);
  }, options);

const rotateKeys = (options: ActingOptions) =>
  withAccounts(async (accounts) => {
    const rotated = await accounts.rotateKeys();
    tell(options, { accounts: rotated }, `Encrypted anew: ${counted(rotated, 'account')}.`);
  }, options);

function withAccounts(
  work: (accounts: Accounts, sluice: Sluice) => Promise<void>,
  options?: ActingOptions,
): Promise<void> {
  return withClient((sluice) => work(sluice.accounts, sluice), options);
}

/** @throws Error that repeats nothing of what was read. */
function readCredentials(json: string, expiresIn: number | undefined): NewCredentials {
  let read: unknown;
  try {
    read = JSON.parse(json);
  } catch {
    throw new Error('Standard input is not JSON. Expected {"accessToken": "…", "refreshToken": "…"}.');
  }
  if (typeof read !== 'object' || read === null || Array.isArray(read))
    throw new Error('Standard input is JSON, but not an object.');
  if (expiresIn === undefined) return read;
  return { ...read, expiresAt: new Date(Date.now() + expiresIn * 1_000).toISOString() };
}

function line({ provider, account, tenant, status, reason, since, settings }: AccountInfo): string {
  const known = settings === null ? '' : `settings ${JSON.stringify(settings)}`;
  return [`${provider}/${account}`, status, `since ${since}`, tenant && `tenant ${tenant}`, known, reason]
    .filter(Boolean)
    .join('  ');
}
