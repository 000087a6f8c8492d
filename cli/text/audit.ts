/** One entry of the audit as people read it. Used by: `cli/commands/operate/audit.ts`. */
import type { AuditEntry } from '../../client/index.ts';

export function auditText(entry: AuditEntry): string {
  const { id, at, by, via, act, subject, why, before, after, outcome, error } = entry;
  // Erasing an account takes out what an act said of it.
  const end = {
    done: '',
    failed: error === null ? '  failed' : `  failed: ${error}`,
    begun: '  at work, or its process died',
  }[outcome];
  return [
    `${id}  ${at}  ${by} (${via})  ${act}  ${subject.kind} ${subject.id}${end}`,
    ...(why === null ? [] : [`    why: ${why}`]),
    ...(before === null ? [] : [`    before: ${JSON.stringify(before)}`]),
    ...(after === null ? [] : [`    after:  ${JSON.stringify(after)}`]),
  ].join('\n');
}
