/**
 * `sluice accounts …`: who is connected, who must connect again, and the keys that encrypt their secrets.
 * Next stop: `client/accounts.ts`.
 */
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import type { AccountInfo, Accounts, AccountStatus, NewCredentials } from '../../client/index.ts';
import { jsonOption, providerOption, statusOption, tenantOption } from '../options.ts';
import { withClient } from '../with-client.ts';

interface ListOptions {
  readonly status?: AccountStatus;
  readonly provider?: string;
  readonly tenant?: string;
  readonly json?: boolean;
}

interface ConnectOptions {
  readonly tenant?: string;
  readonly expiresIn?: string;
  readonly replaceTenant?: boolean;
}

export function registerAccounts(program: Command): void {
  const accounts = program.command('accounts').description('accounts at third parties: connected or not');
  accounts
    .command('list')
    .description('accounts, the latest change first')
    .addOption(statusOption(['connected', 'needs_reconnect']))
    .addOption(providerOption())
    .addOption(tenantOption())
    .addOption(jsonOption())
    .action(list);
  accounts
    .command('status <provider> <account>')
    .description('one account; exit code 1 when it is not connected')
    .addOption(jsonOption())
    .action(showStatus);
  accounts
    .command('connect <provider> <account>')
    .description('store credentials, read as JSON from standard input: {"accessToken": …, "refreshToken": …}')
    .addOption(tenantOption())
    .option('--expires-in <seconds>', 'life of the access token from now')
    .option('--replace-tenant', 'also when it belongs to another tenant')
    .action(connectAccount);
  accounts
    .command('disconnect <provider> <account>')
    .description('delete its secrets; what was synced stays')
    .action(disconnect);
  accounts
    .command('rotate-keys')
    .description('encrypt all secrets with the first key of SLUICE_ENCRYPTION_KEYS')
    .action(rotateKeys);
}

const list = ({ json, ...filter }: ListOptions) =>
  withAccounts(async (accounts) => {
    const found = await accounts.list(filter);
    if (json) console.log(JSON.stringify(found));
    else if (found.length === 0) console.log('No accounts.');
    else console.log(found.map(line).join('\n'));
  });

const showStatus = (provider: string, account: string, { json }: { readonly json?: boolean }) =>
  withAccounts(async (accounts) => {
    const found = await accounts.status({ provider, account });
    if (json) console.log(JSON.stringify(found ?? null));
    else console.log(found ? line(found) : `${provider}/${account}  unknown`);
    if (found?.status !== 'connected') process.exitCode = 1;
  });

const connectAccount = (
  provider: string,
  account: string,
  { tenant, expiresIn, replaceTenant = false }: ConnectOptions,
) =>
  withAccounts(async (accounts) => {
    // Arguments would stand in the shell's history and in the list of processes.
    const credentials = readCredentials(await text(process.stdin), expiresIn);
    const name = { provider, account, ...(tenant === undefined ? {} : { tenant }) };
    console.log(line(await accounts.connect({ ...name, replaceTenant, credentials })));
  });

const disconnect = (provider: string, account: string) =>
  withAccounts(async (accounts) => {
    const wasKnown = await accounts.disconnect({ provider, account });
    console.log(`${provider}/${account}  ${wasKnown ? 'disconnected' : 'unknown'}`);
    if (!wasKnown) process.exitCode = 1;
  });

const rotateKeys = () =>
  withAccounts(async (accounts) => console.log(`Encrypted anew: ${await accounts.rotateKeys()} accounts.`));

function withAccounts(work: (accounts: Accounts) => Promise<void>): Promise<void> {
  return withClient(({ accounts }) => work(accounts));
}

const FIELDS = ['accessToken', 'refreshToken', 'expiresAt', 'username', 'password', 'extra', 'settings'];

/** @throws Error that repeats nothing of what was read. */
function readCredentials(json: string, expiresIn: string | undefined): NewCredentials {
  let read: unknown;
  try {
    read = JSON.parse(json);
  } catch {
    throw new Error('Standard input is not JSON. Expected {"accessToken": "…", "refreshToken": "…"}.');
  }
  if (typeof read !== 'object' || read === null) throw new Error('Standard input is JSON, but not an object.');
  const unknown = Object.keys(read).filter((name) => !FIELDS.includes(name));
  if (unknown.length > 0) throw new Error(`Unknown fields: ${unknown.join(', ')}. Known are ${FIELDS.join(', ')}.`);
  if (expiresIn === undefined) return read;
  const seconds = Number(expiresIn);
  if (!(seconds > 0)) throw new Error(`--expires-in is ${expiresIn}; it must be a number of seconds above 0.`);
  return { ...read, expiresAt: new Date(Date.now() + seconds * 1_000).toISOString() };
}

function line({ provider, account, tenant, status, reason, since }: AccountInfo): string {
  return [`${provider}/${account}`, status, `since ${since}`, tenant && `tenant ${tenant}`, reason]
    .filter(Boolean)
    .join('  ');
}
