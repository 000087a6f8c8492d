/**
 * What Sluice needs of Postgres, judged from facts. Used by `diagnose.ts`; the facts come from
 * `db/stores/operate/database-facts.ts`.
 */
import { duration } from '../../contracts/values/duration.ts';
import { finding, type Check, type Finding } from '../../contracts/operate/finding.ts';
import type { DatabaseFacts, SchemaStanding, TableHealth } from '../../db/index.ts';

export interface DatabaseContext {
  /** Postgres connections of one worker. */
  readonly dbConnections: number;
  /** Workers that serve; at least one is assumed. */
  readonly workers: number;
  /** A transaction that is open for longer delays the change feed and vacuum, in milliseconds. */
  readonly longTransactionMs: number;
  /** The database's clock minus this machine's, in milliseconds, and how far off that may be. */
  readonly clockAheadMs: number;
  readonly clockErrorMs: number;
}

const OLDEST_VERSION = 140_000;
/** Connections of a client, besides those of workers. */
const CLIENT_CONNECTIONS = 5;
/** Clocks that are further apart make ages and waits wrong that people and programs see. */
export const MOST_CLOCK_MS = 1_000;

const VERSION: Check = {
  check: 'database-version',
  wanted: 'Postgres 14 or later',
  todo: 'Upgrade Postgres, or name another server by DATABASE_URL.',
};
const ENCODING: Check = {
  check: 'database-encoding',
  wanted: 'UTF8',
  todo: "Make a database whose encoding is UTF8 (`create database sluice encoding 'UTF8' template template0`) and name it by DATABASE_URL.",
};
const WRITABLE: Check = {
  check: 'database-writable',
  wanted: 'a primary server whose transactions may write',
  todo: 'Name the primary by DATABASE_URL; or take back `default_transaction_read_only` (`alter database … reset default_transaction_read_only`, the same for the role).',
};
const ISOLATION: Check = {
  check: 'transaction-isolation',
  wanted: 'read committed',
  todo: 'Take it back: `alter database … reset default_transaction_isolation`, the same for the role. The limiter would fail with serialization errors.',
};
const COMMIT: Check = {
  check: 'synchronous-commit',
  wanted: 'on, or local, remote_write or remote_apply',
  todo: "`alter database … set synchronous_commit = 'on'`, the same for the role. Off, a crash of Postgres forgets pages and writes that were told as stored.",
};
const DISK: Check = {
  check: 'fsync',
  wanted: 'fsync and full_page_writes on',
  todo: 'Set both to on in postgresql.conf. Off, a power cut can destroy the database.',
};
const CONNECTIONS: Check = {
  check: 'max-connections',
  wanted: '',
  todo: 'Raise max_connections (or the limit of the database or the role), lower SLUICE_DB_CONNECTIONS, or run fewer workers.',
};
const TRANSACTIONS: Check = {
  check: 'long-transactions',
  wanted: 'none: the change feed and vacuum wait for the oldest one, in whatever database of the server',
  todo: 'End it (`select pg_terminate_backend(pid)`), and set idle_in_transaction_session_timeout for its role.',
};
const CLOCK: Check = {
  check: 'clock-of-database',
  wanted: `at most ${duration(MOST_CLOCK_MS)} from this machine's`,
  todo: "Let a time service (chrony, systemd-timesyncd) set both clocks. Limits go by the database's clock, timeouts by this machine's.",
};
const AUTOVACUUM: Check = {
  check: 'autovacuum',
  wanted: 'on for the server and for every table of Sluice',
  todo: 'Set autovacuum and track_counts to on in postgresql.conf; `alter table sluice.<table> reset (autovacuum_enabled)`.',
};
const LAG: Check = {
  check: 'vacuum-lag',
  wanted: 'fewer dead rows than living ones in the change feed and the limits',
  todo: 'Run `vacuum analyze sluice.<table>`; then let autovacuum do more: raise autovacuum_vacuum_cost_limit or autovacuum_max_workers, and end long transactions.',
};
const SCHEMA: Check = {
  check: 'schema-version',
  wanted: 'the migrations of this build, with their contents',
  todo: 'Run `npx sluice migrate` with a role that owns the schema.',
};
const RIGHTS: Check = {
  check: 'schema-permissions',
  wanted: 'to read and write the rows of the schema sluice, and to run its functions',
  todo: '',
};
/** A table with fewer dead rows is read fast in any case. */
const FEW_DEAD = 10_000;

export function judgeDatabase(facts: DatabaseFacts, context: DatabaseContext): Finding[] {
  const { version, encoding, settings, isStandby } = facts;
  const isReadOnly = settings['default_transaction_read_only'] === 'on';
  const commit = settings['synchronous_commit'] ?? 'unknown';
  const isolation = settings['default_transaction_isolation'] ?? 'unknown';
  const disk = ['fsync', 'full_page_writes'].filter((name) => settings[name] !== 'on');
  const { longTransactionMs } = context;
  const oldest = facts.oldestTransaction;
  return [
    finding(VERSION, version >= OLDEST_VERSION ? 'ok' : 'wrong', `Postgres ${versionText(version)}`),
    finding(ENCODING, encoding === 'UTF8' ? 'ok' : 'wrong', encoding),
    finding(
      WRITABLE,
      isStandby || isReadOnly ? 'wrong' : 'ok',
      isStandby ? 'a standby, which only reads' : isReadOnly ? 'default_transaction_read_only is on' : 'it may write',
    ),
    finding(ISOLATION, isolation === 'read committed' ? 'ok' : 'wrong', isolation),
    finding(COMMIT, commit === 'off' ? 'wrong' : 'ok', commit),
    finding(DISK, disk.length === 0 ? 'ok' : 'wrong', disk.length === 0 ? 'both on' : `${disk.join(' and ')} off`),
    judgeConnections(facts, context),
    finding(
      TRANSACTIONS,
      oldest !== null && oldest.ageMs > longTransactionMs ? 'wrong' : 'ok',
      oldest === null ? 'none is open' : `the oldest is open for ${duration(oldest.ageMs)}: ${oldest.whose}`,
    ),
    judgeClock(CLOCK, context.clockAheadMs, context.clockErrorMs),
    finding(
      AUTOVACUUM,
      settings['autovacuum'] === 'on' && settings['track_counts'] === 'on' ? 'ok' : 'wrong',
      `autovacuum is ${settings['autovacuum']}, track_counts is ${settings['track_counts']}`,
    ),
  ];
}

function judgeConnections(facts: DatabaseFacts, { dbConnections, workers }: DatabaseContext): Finding {
  const pools = Math.max(1, workers);
  const need = pools * dbConnections + CLIENT_CONNECTIONS;
  const room = facts.connections - facts.connectionsOfOthers;
  const wanted = `${need} or more: ${pools} × ${dbConnections} for workers, ${CLIENT_CONNECTIONS} for a client`;
  const found = `${facts.connections} for role ${facts.role} in this database, of which others have ${facts.connectionsOfOthers} now`;
  return finding({ ...CONNECTIONS, wanted }, room >= need ? 'ok' : 'wrong', found);
}

/** Also used for Temporal's. */
export function judgeClock(check: Check, aheadMs: number, errorMs: number): Finding {
  const apart = Math.abs(aheadMs);
  const isApart = apart - errorMs > MOST_CLOCK_MS;
  const found = `${duration(apart)} ${aheadMs < 0 ? 'behind' : 'ahead'}, ± ${duration(errorMs)}`;
  return finding(check, isApart ? 'wrong' : 'ok', found);
}

/** @param standing a sentence where the schema can't be used by this build at all. */
export function judgeSchema(standing: SchemaStanding | string): Finding {
  if (typeof standing === 'string') return finding({ ...SCHEMA, todo: 'Do what it says.' }, 'wrong', standing);
  const { missing, warnings } = standing;
  if (missing.length > 0) return finding(SCHEMA, 'wrong', `it lacks ${missing.join(', ')}`);
  if (warnings.length > 0)
    return finding({ ...SCHEMA, todo: 'Upgrade this build when the roll-out is done.' }, 'advice', warnings.join(' '));
  return finding(SCHEMA, 'ok', 'up to date');
}

export function judgePrivileges(missing: readonly string[], role: string): Finding {
  const todo = `Run \`npx sluice migrate --grant ${role}\` with DATABASE_URL naming the role that owns the schema.`;
  if (missing.length === 0) return finding(RIGHTS, 'ok', `role ${role} has all of it`);
  const some = missing.slice(0, 5).join(', ');
  const more = missing.length > 5 ? ` and ${missing.length - 5} more` : '';
  return finding({ ...RIGHTS, todo }, 'wrong', `role ${role} lacks ${some}${more}`);
}

export function judgeTables(tables: readonly TableHealth[]): Finding[] {
  const off = tables.filter(({ isAutovacuumOff }) => isAutovacuumOff).map(({ table }) => `sluice.${table}`);
  const lagging = tables.filter(({ rows, dead }) => dead > FEW_DEAD && dead > rows);
  const text = lagging.map(
    ({ table, rows, dead, lastVacuum }) =>
      `sluice.${table} has ${dead} dead rows beside ${rows}, ${lastVacuum === null ? 'never vacuumed' : `vacuumed ${lastVacuum}`}`,
  );
  return [
    ...(off.length === 0 ? [] : [finding(AUTOVACUUM, 'wrong', `switched off for ${off.join(', ')}`)]),
    finding(LAG, lagging.length === 0 ? 'ok' : 'wrong', text.join('; ') || 'little is dead'),
  ];
}

function versionText(version: number): string {
  return `${Math.floor(version / 10_000)}.${version % 10_000}`;
}
