/**
 * One call for the lists of several parents. Its answer is matched to them, and each is stored as a page of its own. So
 * retries, deletions and flaws are those of its list alone. A parent of which nothing came is skipped. A batch that
 * fails is split by its workflow, until the one that is to blame stands alone. Used by: `fetch-batch.ts`. Next:
 * `activities/page/store-page.ts`.
 */
import type { PageFact } from '../../contracts/messages.ts';
import { keyText } from '../../contracts/values/row-key.ts';
import { deferUnit, type LoadedUnit } from '../../db/stores/sync/unit-store.ts';
import type { NodeDefinition } from '../../providers/define/define-sync.ts';
import type { Batch } from '../../providers/define/node-options.ts';
import type { MadeCall } from '../call/make-call.ts';
import { moreTold } from '../../providers/pagination/told/more-told.ts';
import { parseBody } from '../bodies/parse-body.ts';
import { mapping, NotUnderstood } from '../page/read-page.ts';
import { storePage, storeStep } from '../page/store-page.ts';
import { applyDecision, end } from '../sync/apply-decision.ts';
import type { Attempt } from '../sync/attempt.ts';
import type { Facts } from '../sync/decide.ts';
import { decisionOn, notUnderstood, storeAnswer } from '../sync/settle-answer.ts';
import { UserCodeError } from '../sync/user-code.ts';
import { changeUnit } from '../sync/write-down.ts';

/** One list of the batch: an attempt of its own, as if it had been asked for alone. */
export interface BatchedList {
  readonly unit: LoadedUnit;
  readonly attempt: Attempt;
}

/** @param lists open ones, at least one. @returns a fact of the first list's unit, about all of them. */
export async function settleBatch(
  lists: readonly BatchedList[],
  batch: Batch,
  made: MadeCall,
  facts: Pick<Facts, 'isProbe' | 'asksForChanges'>,
): Promise<PageFact> {
  const [{ attempt: lead }] = lists as [BatchedList];
  const { sync } = lead;
  const decision = decisionOn(lead, made, facts);
  switch (decision.do) {
    case 'store':
      return storeBatch(lists, batch, made, decision.flaw);
    case 'step':
      for (const [index, { attempt }] of lists.entries())
        await storeStep({ ...attempt, isCounted: index > 0 }, decision.step, true);
      return { unit: lead.request.unit, state: 'ended', children: true };
    case 'end':
      return lists.length > 1 ? split(lead, decision.reason) : applyDecision(lead, decision, 1);
    case 'again': {
      const isLast = decision.costs === 'attempt' && lead.unit.attempts + 1 >= sync.provider.maxAttempts;
      return isLast && lists.length > 1
        ? split(lead, decision.reason)
        : ofFirst(lists, applyDecision(lead, decision, 1));
    }
    default:
      return ofFirst(lists, applyDecision(lead, decision, 1));
  }
}

/** A fact about the first list alone: the others are still to be read. */
export async function ofFirst(lists: readonly unknown[], fact: PageFact | Promise<PageFact>): Promise<PageFact> {
  const about = await fact;
  return about.state === 'ended' && lists.length > 1 ? { ...about, state: 'more' } : about;
}

async function storeBatch(
  lists: readonly BatchedList[],
  batch: Batch,
  made: MadeCall,
  flaw: string | undefined,
): Promise<PageFact> {
  const [{ attempt: lead }] = lists as [BatchedList];
  const { node, sync } = lead;
  const isAlone = lists.length === 1;
  let matched: Matched;
  try {
    matched = match(lists, batch, made);
  } catch (error) {
    if (!(error instanceof NotUnderstood || error instanceof UserCodeError)) throw error;
    // Alone it costs an attempt, as any answer that can't be understood.
    return isAlone ? notUnderstood(lead, made.answer, error, flaw) : split(lead, error.message);
  }
  let isCounted = false;
  let failed: string | undefined;
  for (const { attempt, unit } of lists) {
    const items = matched.items.get(unit.parentKey);
    if (!items && !batch.allowMissing) {
      const kind = sync.policyOf(node.name, unit.parentKey).notFound === 'fail' ? 'failed' : 'skipped';
      await end(attempt, unit.pages, kind, 'the answer for several parents has nothing of this one', isCounted ? 0 : 1);
      isCounted = true;
      continue;
    }
    const its = withItems(attempt, matched.response, items ?? [], isAlone);
    if (isAlone) return storeAnswer(its, made, flaw, true);
    try {
      await storePage({ ...its, isCounted }, made, flaw, true);
      isCounted = true;
    } catch (error) {
      if (!(error instanceof NotUnderstood || error instanceof UserCodeError)) throw error;
      failed = error.message;
    }
  }
  if (failed !== undefined && !isCounted) return split(lead, failed);
  const fact = { unit: lead.request.unit, children: true } as const;
  return failed === undefined ? { ...fact, state: 'ended' } : { ...fact, state: 'more', isSplit: true };
}

interface Matched {
  readonly response: unknown;
  readonly items: ReadonlyMap<string, readonly unknown[]>;
}

/** @throws NotUnderstood, also for rows of parents that were not asked for. */
function match(lists: readonly BatchedList[], { parentOf }: Batch, { answer, url }: MadeCall): Matched {
  const [{ attempt: lead }] = lists as [BatchedList];
  const { node } = lead;
  const body = parseBody(node.endpoint, answer);
  if (!body.ok) throw new NotUnderstood(body.reason);
  const facts = { headers: answer.headers, url, input: lead.input };
  const all: unknown = mapping(node, 'items', () => node.endpoint.paginate.items(body.value, facts));
  if (!Array.isArray(all))
    throw new NotUnderstood(`the answer of "${node.endpoint.name}" has no list where \`items\` should be`);
  // Fewer parents may fit into one answer; one alone is stored, and told to be cut short.
  const more =
    lists.length > 1 && node.endpoint.paginate.guards['more-told']
      ? moreTold({ body: body.json, headers: answer.headers, url, status: answer.status, count: all.length })
      : undefined;
  if (more !== undefined)
    throw new NotUnderstood(`the answer of "${node.endpoint.name}" for ${lists.length} parents is cut short: ${more}`);
  const asked = new Set(lists.map(({ unit }) => unit.parentKey));
  const items = new Map<string, unknown[]>();
  for (const item of all as unknown[]) {
    const parent = mapping(node, 'parentOf', () => keyText(parentOf(item)));
    if (!asked.has(parent))
      throw new NotUnderstood(
        `the answer of "${node.endpoint.name}" has a row of the parent "${parent.slice(0, 60)}", which was not asked for; look at \`parentOf\``,
      );
    const its = items.get(parent);
    if (its) its.push(item);
    else items.set(parent, [item]);
  }
  return { response: body.value, items };
}

/** The attempt at one list, whose answer is its part of the whole. */
function withItems(attempt: Attempt, response: unknown, items: readonly unknown[], isAlone: boolean): Attempt {
  const { endpoint } = attempt.node;
  // What the answer for several says of its rows is said of all of them.
  const guards = { ...endpoint.paginate.guards, 'more-told': isAlone && endpoint.paginate.guards['more-told'] };
  const paginate = { ...endpoint.paginate, items: () => items, mayOmitItems: true, guards };
  const node: NodeDefinition = { ...attempt.node, endpoint: { ...endpoint, parseResponse: () => response, paginate } };
  return { ...attempt, node };
}

/** The call is counted; the halves are asked for by calls of their own. */
async function split(lead: Attempt, why: string): Promise<PageFact> {
  const { deps, unit, request } = lead;
  const deferral = { costs: 'nothing', calls: 1, delayMs: null, why } as const;
  await changeUnit(lead, unit.pages, (fence) => deferUnit(deps.pool, fence, deferral));
  return { unit: request.unit, state: 'more', isSplit: true, children: true };
}
