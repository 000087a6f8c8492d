/**
 * The one place that writes the audit: the row before the act, its end after it. Without the row there is no act. Used by:
 * `audited-client.ts`, and commands whose act is none of a client (`migrate`).
 */
import type { Actor, Subject } from '../../contracts/operate/audit.ts';
import { redact } from '../../contracts/secrets/redact.ts';
import { cleanText } from '../../contracts/values/clean-text.ts';
import { tenantOfStart } from '../tenant/tenant-of-start.ts';
import {
  beginAct,
  endAct,
  lacksTable,
  tenantOfAccount,
  tenantOfRows,
  tenantOfWorkflow,
  type ActEnded,
  type Pool,
} from '../../db/index.ts';

export interface Auditor {
  readonly pool: Pool;
  readonly actor: Actor;
  /** The tenant of a client that is bound to one: its rows are that tenant's, whatever they are about. */
  readonly boundTo?: string;
}

export interface ActToRecord<Result> {
  /** As the client names it. */
  readonly act: string;
  readonly subject: Subject;
  readonly why?: string | undefined;
  readonly state?: (() => Promise<unknown>) | undefined;
  readonly result?: ((result: Result) => unknown) | undefined;
}

const LONGEST_TEXT = 1_000;
/** A larger one is left out: a row is read by a person. */
const MOST_BYTES = 32_768;

/** @throws what the act throws; DatabaseError when the row can't be written: then nothing was done. */
export async function recordAct<Result>(
  auditor: Auditor,
  { act, subject, why, state, result }: ActToRecord<Result>,
  work: () => Promise<Result>,
): Promise<Result> {
  const { pool, actor, boundTo } = auditor;
  const tenant = boundTo ?? (await ownerOf(pool, subject).catch(() => null));
  const before = jsonOf(await readState(state));
  const reason = textOf(actor.why ?? why);
  const id = await beginAct(pool, { actor, act, subject, tenant, why: reason, before }).catch((error: unknown) => {
    // A database that no worker has migrated yet has nothing to act on, and nowhere to write it.
    if (lacksTable(error)) return undefined;
    throw error;
  });
  if (id === undefined) return work();
  const end = async (ended: Omit<ActEnded, 'tenant'>): Promise<void> => {
    const owner = boundTo ?? (await ownerOf(pool, subject).catch(() => tenant));
    // Of one that has changed hands neither tenant sees what the other one had.
    const isOthers = tenant !== null && owner !== null && owner !== tenant;
    // Where it can't be written the row stays `begun`, which says that it may have happened.
    await endAct(pool, id, { ...ended, tenant: isOthers ? null : (owner ?? tenant) }).catch(() => {});
  };
  let done: Result;
  try {
    done = await work();
  } catch (error) {
    await end({ outcome: 'failed', error: textOf(messageOf(error)), after: jsonOf(await readState(state)) });
    throw error;
  }
  const after = { ...(result && { result: result(done) }), ...(state && { state: await readState(state) }) };
  await end({ outcome: 'done', error: null, after: jsonOf(result && state ? after : (after.result ?? after.state)) });
  return done;
}

/** What can't be read now is left out: the act itself says what is wrong. */
async function readState(state: (() => Promise<unknown>) | undefined): Promise<unknown> {
  try {
    return await state?.();
  } catch {
    return undefined;
  }
}

async function ownerOf(pool: Pool, subject: Subject): Promise<string | null> {
  if (subject.tenant !== undefined) return subject.tenant;
  const owner = await knownOwnerOf(pool, subject);
  // Where nobody named a tenant, what was started has the account's own name.
  return owner === subject.account ? null : owner;
}

async function knownOwnerOf(pool: Pool, { kind, id, account, providers }: Subject): Promise<string | null> {
  if (account !== undefined && providers !== undefined)
    return (await tenantOfStart(pool, providers, account, undefined)) ?? null;
  switch (kind) {
    case 'account':
      return (await tenantOfAccount(pool, id.slice(0, id.indexOf('/')), account ?? '')) ?? null;
    case 'run':
    case 'action':
    case 'saga':
      return tenantOfWorkflow(pool, id);
    default: {
      const sync = /^[^/]*\/([^/.*]+)\./.exec(id)?.[1];
      return account === undefined || sync === undefined ? null : tenantOfRows(pool, sync, account);
    }
  }
}

function jsonOf(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  const json = redact(cleanText(JSON.stringify(value)));
  const bytes = Buffer.byteLength(json);
  return bytes > MOST_BYTES || !isJson(json) ? JSON.stringify({ omitted: `${bytes} bytes` }) : json;
}

/** What looks like a secret may have been taken out together with a quote. */
function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function textOf(text: string | undefined): string | null {
  return text === undefined || text === '' ? null : cleanText(redact(text), LONGEST_TEXT);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
