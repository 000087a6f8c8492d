/**
 * Names that the database knows, to tell a misspelt one from one that has nothing. Asked only where nothing was found, or before something
 * new is made. Used by: `cli/known-names.ts`.
 */
import type { Queryable } from '../../pool.ts';

/** `work`: a sync, action or saga; actions as `provider/action`. */
export type NameKind = 'provider' | 'sync' | 'work' | 'node' | 'account' | 'tenant' | 'queue';

/** Of each kind. */
const MOST_NAMES = 10_000;
/** The newest, whose names are looked at. */
const MOST_REPORTS = 10_000;

/** From name to name through an index that begins with the column, whatever the number of rows. */
const steps = (table: string, column: string, where = 'true'): string => `
  (with recursive known (name) as (
    (select ${column} from sluice.${table} where ${where} order by ${column} limit 1)
    union all
    select (select ${column} from sluice.${table} where ${column} > known.name and ${where} order by ${column} limit 1)
      from known where known.name is not null
  ) select name from known where name is not null limit ${MOST_NAMES})`;

/** The first part of each key; '0' comes behind '/'. A pause alone makes keys that stand for several, of any name. */
const PROVIDERS_OF_KEYS = `
  (with recursive known (name) as (
    (select split_part(key, '/', 1) from sluice.limit_bucket where key not like '%/*' order by key limit 1)
    union all
    select (select split_part(key, '/', 1) from sluice.limit_bucket where key > known.name || '0' and key not like '%/*' order by key limit 1)
      from known where known.name is not null
  ) select name from known where name is not null limit ${MOST_NAMES})`;

const SYNCS = [
  steps('run', 'sync'),
  'select sync from sluice.declaration',
  'select jsonb_object_keys(serves) from sluice.worker',
];

/** Indexes: account_by_provider, account_by_name; run_by_provider, run_by_sync, run_by_account, run_by_tenant, run_ended; report_by_account, report_by_seq. */
const NAMES: Readonly<Record<NameKind, readonly string[]>> = {
  provider: [
    steps('account', 'provider'),
    steps('run', 'provider'),
    'select provider from sluice.declaration',
    PROVIDERS_OF_KEYS,
  ],
  sync: SYNCS,
  work: [
    ...SYNCS,
    `(select distinct name from (select name from sluice.report order by seq desc limit ${MOST_REPORTS}) newest)`,
  ],
  queue: ['select task_queue from sluice.canary', 'select task_queue from sluice.declared_code'],
  // Of the newest run that has ended, and of what workers have.
  node: [
    `select n.name from (select id from sluice.run where sync = $1 and ended_at is not null order by ended_at desc limit 1) r
       join sluice.node n on n.run_id = r.id`,
    `select regexp_replace(path, '^.*>', '') from sluice.worker, jsonb_each(serves) s (sync, paths), jsonb_array_elements_text(paths) path
      where $1::text is null or s.sync = $1`,
  ],
  account: [
    `(select account from sluice.account where provider = $1 limit ${MOST_NAMES})`,
    ...['account', 'run', 'report'].map((table) => steps(table, 'account', '$1::text is null')),
  ],
  // An account without one is its own.
  tenant: [
    `(select distinct tenant from sluice.account limit ${MOST_NAMES})`,
    steps('run', 'tenant', 'tenant is not null'),
    ...['account', 'run', 'report'].map((table) => steps(table, 'account')),
  ],
};

/** @param of the sync of a node, the provider of an account; undefined: any. @returns at most 10,000, each once. */
export async function readKnownNames(db: Queryable, kind: NameKind, of?: string): Promise<string[]> {
  // Where the provider is named, the accounts that are connected there.
  const takesOf = kind === 'node' || kind === 'account';
  const { rows } = await db.query<{ name: string }>(
    `select name from (${NAMES[kind].join(' union ')}) n (name) where name <> '' order by 1 limit ${MOST_NAMES}`,
    takesOf ? [of ?? null] : [],
  );
  return rows.map(({ name }) => name);
}
