/**
 * `sluice accounts …`: who is connected, who must connect again, and the keys that encrypt their secrets.
 * Next stop: `client/accounts.ts`.
 */
import { text } from 'node:stream/consumers';
import { Option, type Command } from 'commander';
import type { AccountInfo, Accounts, AccountStatus, NewCredentials } from '../client/index.ts';

interface ListOptions {
  readonly status?: AccountStatus;
  readonly provider?: string;
  readonly tenant?: string;
  readonly json?: boolean;
}

interface ConnectOptions {
  readonly tenant?: string;
  readonly expiresIn?: string;
}

export function addAccountsCommand(program: Command): void {
  const accounts = program.command('accounts').description('accounts at third parties: connected or not');
  accounts
    .command('list')
    .description('accounts, the latest change first')
    .addOption(new Option('-s, --status <status>').choices(['connected', 'needs_reconnect']))
    .option('-p, --provider <id>')
    .option('-t, --tenant <name>')
    .option('--json', 'as JSON')
    .action(list);
  accounts
    .command('status <provider> <account>')
    .description('one account; exit code 1 when it is not connected')
    .option('--json', 'as JSON')
    .action(showStatus);
  accounts
    .command('connect <provider> <account>')
    .description('store credentials, read as JSON from standard input: {"accessToken": …, "refreshToken": …}')
    .option('-t, --tenant <name>', 'who owns the account')
    .option('--expires-in <seconds>', 'life of the access token from now')
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

const connectAccount = (provider: string, account: string, { tenant, expiresIn }: ConnectOptions) =>
  withAccounts(async (accounts) => {
    // Arguments would stand in the shell's history and in the list of processes.
    const credentials = readCredentials(await text(process.stdin), expiresIn);
    const name = { provider, account, ...(tenant === undefined ? {} : { tenant }) };
    console.log(line(await accounts.connect({ ...name, credentials })));
  });

const disconnect = (provider: string, account: string) =>
  withAccounts(async (accounts) => {
    const wasKnown = await accounts.disconnect({ provider, account });
    console.log(`${provider}/${account}  ${wasKnown ? 'disconnected' : 'unknown'}`);
    if (!wasKnown) process.exitCode = 1;
  });

const rotateKeys = () =>
  withAccounts(async (accounts) => console.log(`Encrypted anew: ${await accounts.rotateKeys()} accounts.`));

async function withAccounts(work: (accounts: Accounts) => Promise<void>): Promise<void> {
  const sluice = await (await import('../client/index.ts')).connect();
  try {
    await work(sluice.accounts);
  } finally {
    await sluice.close();
  }
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
