/**
 * What `accounts.connect()` is given, checked before it replaces what works: all that is wrong at once. Used by: `accounts.ts`, and
 * `cli/commands/operate/accounts.ts`. Next: `check-credentials.ts`.
 */
import { SettingsMistake } from '../../contracts/account.ts';
import type { Provider } from '../../providers/define/define-provider.ts';
import { checkAccount, checkName, mistakesOf } from '../options/check-options.ts';
import { checkCredentials, type CredentialsCheck, type NewCredentials } from './check-credentials.ts';

export interface ToConnect {
  readonly provider: Provider | string;
  readonly account: string;
  readonly tenant?: string | undefined;
  readonly credentials?: NewCredentials | undefined;
  readonly settings?: unknown;
}

/** @returns an error for each part that can't be taken; none names a secret. */
export function connectMistakes(
  { provider, account, tenant, credentials, settings }: ToConnect,
  how: CredentialsCheck = {},
): Error[] {
  return mistakesOf([
    () => checkAccount(account),
    () => tenant !== undefined && checkName('tenant', tenant),
    () => credentials !== undefined && checkCredentials(credentials, provider, how),
    () => settings !== undefined && checkSettings(provider, account, settings),
  ]);
}

/** @throws the mistake where there is one, and a TypeError with a line for each where there are several. */
export function checkConnect(given: ToConnect, how: CredentialsCheck = {}): void {
  const mistakes = connectMistakes(given, how);
  if (mistakes.length > 1) throw new TypeError(mistakes.map(({ message }) => message).join('\n'));
  if (mistakes[0]) throw mistakes[0];
}

/** With the id alone the schema is not known here: a worker says then what does not fit. @throws SettingsMistake */
export function checkSettings(provider: Provider | string, account: string, settings: unknown): void {
  if (settings !== undefined && (typeof settings !== 'object' || Array.isArray(settings)))
    throw new SettingsMistake('`settings` must be an object, e.g. { shop: "acme" }.');
  if (typeof provider !== 'string') provider.settingsOf(settings, account);
}
