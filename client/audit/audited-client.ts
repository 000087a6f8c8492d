/**
 * A client, or a part of one, whose acts are written to the audit: every function is wrapped by its entry in the table. Next:
 * `record-act.ts` writes the row.
 */
import { createLimits, type Limits } from '../limits.ts';
import { handleActs, limitActs, type Act, type ActsOf, type HandleKind } from './acts.ts';
import { recordAct, type Auditor } from './record-act.ts';

type AnyEntry = 'look' | { readonly gives: HandleKind } | Act<object, readonly unknown[], unknown> | AnyActs;
interface AnyActs {
  readonly [name: string]: AnyEntry;
}
type AnyFunction = (...given: unknown[]) => unknown;

/**
 * @param path what its acts begin with, e.g. `limits`; empty for the client itself.
 * @throws TypeError for a function that the table does not name.
 */
export function audited<Of extends object>(of: Of, acts: ActsOf<Of>, auditor: Auditor, path = ''): Of {
  const wrapped = Object.entries(of).map(([name, value]: [string, unknown]) => {
    const isFunction = typeof value === 'function';
    const entry = (acts as unknown as AnyActs)[name];
    const full = path === '' ? name : `${path}.${name}`;
    if (entry === undefined) {
      if (isFunction) throw new TypeError(`\`${full}\` is not named in client/audit/acts.ts: is it an act, or a look?`);
      return [name, value];
    }
    if (entry === 'look') return [name, value];
    if (!isFunction) return [name, audited(value as object, entry as never, auditor, full)];
    const method = value as AnyFunction;
    const gives = (result: unknown): unknown =>
      'gives' in entry ? auditedHandle(result as object, entry.gives as HandleKind, auditor) : result;
    if (!('subject' in entry)) return [name, (...given: unknown[]) => gives(method(...given))];
    const act = entry as Act<object, readonly unknown[], unknown>;
    if (act.isStart && auditor.actor.by === 'system')
      return [name, async (...given: unknown[]) => gives(await method(...given))];
    const acting = async (...given: unknown[]): Promise<unknown> => {
      const { state, result } = act;
      const record = {
        act: full,
        subject: act.subject(of, given),
        why: act.why?.(given),
        ...(state && { state: () => state(of, given) }),
        ...(result && { result }),
      };
      return gives(await recordAct(auditor, record, async () => method(...given)));
    };
    return [name, acting];
  });
  return Object.fromEntries(wrapped) as Of;
}

/** The operations on limits, which need the database alone. */
export function auditedLimits(auditor: Auditor): Limits {
  return audited(createLimits(auditor.pool), limitActs, auditor, 'limits');
}

function auditedHandle(handle: object, kind: HandleKind, auditor: Auditor): object {
  return audited(handle, handleActs[kind] as never, auditor, kind);
}
