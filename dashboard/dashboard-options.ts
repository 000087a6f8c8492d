/** What a dashboard is given, checked before it answers anything. Next: `create-dashboard.ts`. */
import type { Finding } from '../client/index.ts';
import { checkNames } from '../client/options/known-options.ts';
import type { NamesOf } from '../contracts/values/option-mistakes.ts';
import { safeAddress, type ConnectAddress } from './connect-address.ts';
import type { GivenDefinitions } from './definitions.ts';
import type { Authorize, Tokens } from './http/access.ts';

export interface DashboardOptions {
  /** Tokens by which visitors come in, at least 16 characters each. */
  readonly tokens?: Tokens;
  /** Your own log-in: who a request is from, and what they may do. Asked before the tokens; undefined: nobody it knows. */
  readonly authorize?: Authorize;
  /** The path that it is mounted at, e.g. `/admin/sluice`. Default: the root. */
  readonly basePath?: string;
  /** Where Temporal's Web UI is, for links to it. Default: no links. */
  readonly webUiUrl?: string;
  /** Temporal's namespace, for these links. Default `default`. */
  readonly namespace?: string;
  /**
   * Your syncs and actions, as a worker has them. With them the page starts a sync, decides on a write whose fate is
   * unknown and sends a failed action again. Their code checks what is typed in. Default: it offers none of it.
   */
  readonly definitions?: GivenDefinitions;
  /** Where an account is connected again: an address of your app, for a link. Default: the page says that it is done in your app. */
  readonly connectUrl?: ConnectAddress;
  /** Looks at servers and workers, e.g. `() => diagnose({ probe: false })` of `sluice`. Default: there is no such view. */
  readonly diagnose?: () => Promise<readonly Finding[]>;
}

const OPTIONS: NamesOf<DashboardOptions> = {
  tokens: true,
  authorize: true,
  basePath: true,
  webUiUrl: true,
  namespace: true,
  definitions: true,
  connectUrl: true,
  diagnose: true,
};

/** @throws TypeError for what it does not know, and for what can't be right. */
export function checkOptions(options: DashboardOptions): void {
  checkNames('createDashboard', options, OPTIONS);
  const { tokens, authorize, webUiUrl } = options;
  if (webUiUrl !== undefined && safeAddress(webUiUrl) === undefined)
    throw new TypeError(
      `The address of Temporal's Web UI is ${JSON.stringify(webUiUrl)}; it must begin with https:// or http://.`,
    );
  if (tokens?.read === undefined && tokens?.operate === undefined && authorize === undefined)
    throw new TypeError('The dashboard needs `tokens` or `authorize`: it shows accounts and stops runs.');
}

/** @returns the path that the page is mounted at, without a slash at its end. @throws TypeError when it is none. */
export function baseOf(path = ''): string {
  const base = path.replace(/\/+$/, '');
  if (base !== '' && !/^(?:\/[\w.~-]+)+$/.test(base))
    throw new TypeError(`\`basePath\` is ${JSON.stringify(path)}; it must be a path such as "/admin/sluice".`);
  return base;
}
