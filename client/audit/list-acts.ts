/**
 * `audit.list` of the client: an unknown act is refused, and the error names the known ones. Else a typing error would
 * look like "nobody did it". Next: `db/stores/operate/audit-store.ts`.
 */
import type { AuditEntry, AuditFilter } from '../../contracts/operate/audit.ts';
import { listAudit } from '../../db/index.ts';
import type { Pool } from '../../db/pool.ts';
import { oneOf } from '../../contracts/values/one-of.ts';
import { clientActs, handleActs } from './acts.ts';

/** What `sluice migrate` writes; it works where there is no client. */
const SCHEMA_ACTS = ['schema.migrate', 'schema.grant'];

/** Every act as the audit names it, by name. */
export const ACT_NAMES: readonly string[] = [
  ...new Set([...actsIn(clientActs), ...actsIn(handleActs), ...SCHEMA_ACTS]),
].toSorted();

/** Acts, and the first parts of their names. */
const CHOICES = [...new Set(ACT_NAMES.flatMap((act) => (act.includes('.') ? [act.split('.')[0]!, act] : [act])))];

/** The newest first. @throws TypeError for an `act` that there is not, or another filter that is not what it should be. */
export async function listActs(pool: Pool, filter: AuditFilter = {}): Promise<AuditEntry[]> {
  oneOf('act', filter.act, CHOICES);
  return listAudit(pool, filter);
}

function actsIn(entries: object, path = ''): string[] {
  return Object.entries(entries).flatMap(([name, entry]: [string, unknown]) => {
    if (typeof entry !== 'object' || entry === null) return [];
    if ('subject' in entry) return [path + name];
    return 'gives' in entry ? [] : actsIn(entry, `${path}${name}.`);
  });
}
