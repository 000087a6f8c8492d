/**
 * A client whose functions refuse options that nobody reads. A misspelt filter would list everything, a misspelt `node` would reset all
 * lists of an account. Used by: `../connect.ts`. What `start`, `act` and `saga` take is checked by `check-options.ts`.
 */
import type { AuditFilter } from '../../contracts/operate/audit.ts';
import type { RunFilter, RunSelection } from '../../contracts/operate/run-list.ts';
import { notAnObject, unknownOptions, type NamesOf } from '../../contracts/values/option-mistakes.ts';
import type {
  AlertFilter,
  FlawFilter,
  FreshnessFilter,
  QuarantineFilter,
  ReportFilter,
  StateFilter,
} from '../../db/index.ts';
import type { AccountDetailsFilter } from '../account/account-details.ts';
import type { ConnectOptions, Sluice } from '../connect.ts';
import type { Limits } from '../limits.ts';
import type { MapAgainOptions } from '../map-again.ts';
import type { RecordsOptions } from '../records.ts';
import type { ResetOptions, ShowStateOptions } from '../state.ts';

type Names = Readonly<Record<string, true>>;
type FilterOf<Of extends (filter?: never) => unknown> = NonNullable<Parameters<Of>[0]>;

const RUNS: NamesOf<RunSelection> = {
  state: true,
  sync: true,
  account: true,
  provider: true,
  tenant: true,
  after: true,
};
const STATE: NamesOf<StateFilter> = { account: true, sync: true, node: true, parentKey: true };
const REPORTS: NamesOf<ReportFilter> = {
  account: true,
  tenant: true,
  status: true,
  kind: true,
  name: true,
  workflowId: true,
  after: true,
  limit: true,
  order: true,
};
const AUDIT: NamesOf<AuditFilter> = {
  subject: true,
  by: true,
  act: true,
  tenant: true,
  since: true,
  after: true,
  limit: true,
};
const QUARANTINE: NamesOf<QuarantineFilter> = {
  account: true,
  sync: true,
  node: true,
  tenant: true,
  after: true,
  limit: true,
};
const ALERTS: NamesOf<AlertFilter> = { kind: true, tenant: true, id: true, account: true, all: true, limit: true };
const ACCOUNTS: NamesOf<FilterOf<Sluice['accounts']['list']>> = {
  status: true,
  provider: true,
  tenant: true,
  after: true,
  limit: true,
};
const CONNECT: NamesOf<Parameters<Sluice['accounts']['connect']>[0]> = {
  provider: true,
  account: true,
  tenant: true,
  replaceTenant: true,
  credentials: true,
  settings: true,
};

const OF_ACCOUNT: NamesOf<Parameters<Sluice['accounts']['status']>[0]> = { provider: true, account: true };
const SECRET_USES: NamesOf<FilterOf<Sluice['accounts']['secretUses']>> = {
  provider: true,
  account: true,
  since: true,
  limit: true,
};

const KEYS: NamesOf<FilterOf<Limits['count']>> = { prefix: true, kind: true, state: true };
const OVERRIDE: NamesOf<Parameters<Limits['override']>[1]> = { max: true, ratePerSecond: true, forMs: true };

const CONNECT_OPTIONS: NamesOf<ConnectOptions> = {
  databaseUrl: true,
  temporal: true,
  namespace: true,
  encryptionKeys: true,
  taskQueue: true,
  tenant: true,
  payloadCodecs: true,
  tracing: true,
  plugins: true,
  by: true,
  dashboardUrl: true,
  via: true,
};

/** Names of the options of each function, by the place of the argument that holds them. */
const OPTIONS: Readonly<Record<string, readonly (Names | undefined)[]>> = {
  'reports.list': [REPORTS],
  'audit.list': [AUDIT],
  'runs.list': [{ ...RUNS, limit: true } satisfies NamesOf<RunFilter>],
  'runs.count': [RUNS],
  'quarantine.list': [QUARANTINE],
  'quarantine.readAgain': [undefined, { account: true, node: true }],
  'alerts.list': [ALERTS],
  'accounts.list': [ACCOUNTS],
  'accounts.connect': [CONNECT],
  'accounts.reconnected': [CONNECT],
  'accounts.disconnect': [{ provider: true, account: true, revoke: true }],
  'accounts.update': [{ ...OF_ACCOUNT, settings: true }],
  'accounts.status': [OF_ACCOUNT],
  'accounts.erase': [OF_ACCOUNT],
  'accounts.stored': [OF_ACCOUNT],
  'accounts.count': [{ provider: true } satisfies NamesOf<FilterOf<Sluice['accounts']['count']>>],
  'accounts.secretUses': [SECRET_USES],
  'accounts.show': [{ account: true, provider: true, tenant: true } satisfies NamesOf<AccountDetailsFilter>],
  'state.show': [STATE, { limit: true, after: true } satisfies NamesOf<ShowStateOptions>],
  'state.reset': [STATE, { forgetsRows: true } satisfies NamesOf<ResetOptions>],
  'limits.list': [{ ...KEYS, after: true, limit: true } satisfies NamesOf<FilterOf<Limits['list']>>],
  'limits.count': [KEYS],
  'limits.override': [undefined, OVERRIDE],
  freshness: [{ sync: true, tenant: true, limit: true } satisfies NamesOf<FreshnessFilter & { limit?: number }>],
  flawedLists: [undefined, { node: true, kind: true, after: true } satisfies NamesOf<FlawFilter>],
  records: [undefined, { account: true, after: true, batchSize: true } satisfies NamesOf<RecordsOptions>],
  mapAgain: [undefined, { account: true, map: true } satisfies NamesOf<MapAgainOptions<unknown>>],
};

/** They throw at once; all others reject. */
const ITERATED: ReadonlySet<string> = new Set(['records', 'flawedLists']);

/** @throws TypeError from a function that is given an option which it does not know; it has done nothing then. */
export function knowingOptions<Of extends object>(of: Of, path = ''): Of {
  const wrapped = Object.entries(of).map(([name, value]: [string, unknown]) => {
    const full = path === '' ? name : `${path}.${name}`;
    if (typeof value === 'object' && value !== null) return [name, knowingOptions(value, full)];
    const known = OPTIONS[full];
    if (known === undefined) return [name, value];
    const check = (given: readonly unknown[]): void => {
      for (const [place, names] of known.entries()) if (names) checkNames(full, given[place], names);
    };
    const read = value as (...given: unknown[]) => unknown;
    const iterate = (...given: unknown[]): unknown => (check(given), read(...given));
    const ask = async (...given: unknown[]): Promise<unknown> => (check(given), read(...given));
    return [name, ITERATED.has(full) ? iterate : ask];
  });
  return Object.fromEntries(wrapped) as Of;
}

/** @throws TypeError */
export const checkConnectOptions = (options: object): void => checkNames('connect', options, CONNECT_OPTIONS);

/** @throws TypeError @param given an argument; one that is left out has no options. */
export function checkNames(what: string, given: unknown, known: Names): void {
  if (given === undefined) return;
  const other = notAnObject(given);
  if (other !== undefined)
    throw new TypeError(`${what}: takes an object of ${Object.keys(known).join(', ')}; it was given ${other}`);
  const wrong = unknownOptions(given as object, known);
  if (wrong.length > 0) throw new TypeError(wrong.map((text) => `${what}: ${text}`).join('\n'));
}
