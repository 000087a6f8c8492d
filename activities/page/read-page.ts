/**
 * The rows of an answer that the rules have accepted, each with its key and what is stored of it. What can't be understood is an
 * error that says so, never a page without rows. Rows that do not fit are set aside where the endpoint says so.
 * Used by: `store-page.ts`. Next: `set-aside.ts` for the rows that do not fit, `page-rows.ts` for those that do.
 */
import type { Answer } from '../../contracts/answers/answer.ts';
import type { AsideRow } from '../../contracts/answers/aside.ts';
import { unwritable } from '../../contracts/answers/unwritable.ts';
import { keyOfRow } from '../../contracts/values/row-key.ts';
import type { NodeDefinition } from '../../providers/define/define-sync.ts';
import { beginningOf, parseBody } from '../bodies/parse-body.ts';
import type { Attempt } from '../sync/attempt.ts';
import type { AnswerFacts } from '../../providers/pagination/options.ts';
import { looksIntoList } from '../../providers/pagination/told/looks-into-list.ts';
import { isAllNothing, saysOther, showsNone } from './shows-none.ts';
import { asideRow, cutMisfits, findRawRows, type Misfit } from './set-aside.ts';
import { atOnce, userCode, UserCodeError } from '../sync/user-code.ts';

/** The answer is not what its definition says; the same answer again will not be either. */
export class NotUnderstood extends Error {
  override readonly name = 'NotUnderstood';
}

/** One row of a page: one that is stored, or one that did not fit. */
export interface ReadRow {
  readonly key: string;
  readonly item?: unknown;
  /** What is stored of it; nothing of one that says that it is gone. */
  readonly data?: unknown;
  readonly isGone?: boolean;
  readonly aside?: AsideRow;
}

export interface ReadPage {
  readonly response: unknown;
  /** The body before the schema. */
  readonly json: unknown;
  /** In the order of the page. */
  readonly rows: readonly ReadRow[];
  /** Sets a row aside that is refused later. @returns undefined when the endpoint does not allow it, or the row is not found. */
  readonly setAside: (index: number, misfit: Misfit) => AsideRow | undefined;
}

/**
 * @param url Address that the page was asked at.
 * @throws NotUnderstood, and UserCodeError for what a function of the definition throws.
 */
export function readPage(attempt: Attempt, answer: Answer, url: string): ReadPage {
  const { node, parent, input } = attempt;
  const { endpoint, options } = node;
  const { paginate } = endpoint;
  const setsAside = endpoint.onMismatch === 'quarantine';
  const { headers, file } = answer;
  const facts = { headers, url, input, ...(file === undefined ? {} : { file }) };
  const body = parseBody(endpoint, answer);
  const itemsOf = (response: unknown) => listIn(node, answer, body.json, facts, response);
  const cut = !body.ok && body.issues && setsAside ? cutMisfits(endpoint, body.json, body.issues, itemsOf) : undefined;
  if (!body.ok && !cut) throw new NotUnderstood(body.reason);
  const response = body.ok ? body.value : cut?.response;
  const items = body.ok ? itemsOf(response) : (cut?.items ?? []);
  const count = items.length + (cut?.misfits.size ?? 0);
  if (count === 0) checkNone(node, answer, body.json, facts, response);

  let raw = cut?.raw;
  const keyOf = (row: unknown): unknown => options.key(row, parent);
  const setAside: ReadPage['setAside'] = (index, misfit) => {
    raw ??= setsAside ? findRawRows(endpoint, body.json, count, itemsOf) : undefined;
    return raw && asideRow(raw, index, misfit, keyOf);
  };
  const { map, isGone } = options;
  const read = (item: unknown, index: number): ReadRow => {
    // What is at work: a function and a name for each would be made for every row.
    let what = 'key';
    try {
      const key = keyOfRow(keyOf(item), item);
      what = 'isGone';
      if (atOnce(isGone?.(item, parent))) return { key, item, isGone: true };
      what = map ? 'map' : 'response';
      const data = map ? atOnce(map(item, parent)) : item;
      const wrong = map && data === undefined ? 'nothing was given, not even null' : unwritable(data);
      if (wrong !== undefined) throw new TypeError(`of the row "${key}" ${wrong}`);
      return { key, item, data };
    } catch (cause) {
      if (paginate.isOneRow && Array.isArray(item))
        throw new NotUnderstood(
          `the answer of "${endpoint.name}" is a list, and without \`paginate\` an answer is one row; say ` +
            "`paginate: { kind: 'single', items: (rows) => rows }`, or how its pages are cut",
        );
      const error = new UserCodeError(functionOf(node, what), cause, 0);
      const aside = setAside(index, { path: '', reason: error.message });
      if (!aside) throw error;
      return { key: aside.name, aside };
    }
  };
  const rows: ReadRow[] = [];
  for (let index = 0, next = 0; index < count; index++) {
    const misfit = cut?.misfits.get(index);
    const aside = misfit && setAside(index, misfit);
    rows.push(aside ? { key: aside.name, aside } : read(items[next++], index));
  }
  return { response, json: body.json, rows, setAside };
}

/** The list where `items` looks. @throws NotUnderstood where there is none, and UserCodeError */
function listIn(
  node: NodeDefinition,
  answer: Answer,
  json: unknown,
  facts: AnswerFacts,
  response: unknown,
): readonly unknown[] {
  const { name, endpoint, options } = node;
  const { paginate } = endpoint;
  let items: unknown;
  try {
    items = mapping(node, 'items', () => paginate.items(response, facts));
  } catch (error) {
    if (!(error instanceof UserCodeError) || answer.text.trim() !== '' || answer.data) throw error;
    throw new NotUnderstood(
      `the answer of "${endpoint.name}" has no body (HTTP ${answer.status}); if that is how it says that there are no rows, say ` +
        `\`when(status(${answer.status}), endOfData())\``,
    );
  }
  if (Array.isArray(items)) return items;
  if ((items === null || items === undefined) && (paginate.mayOmitItems || isAllNothing(json))) return [];
  const isNested = answer.data?.ok === true && answer.text === '';
  if (isNested && options.nested)
    throw new NotUnderstood(
      `\`nested\` of node "${name}" gave no answer of "${endpoint.name}", in which \`items\` finds a list; it gave ${JSON.stringify(response)?.slice(0, 60)}`,
    );
  throw new NotUnderstood(
    `the answer of "${endpoint.name}" has no list where \`items\` should be; it begins ${beginningOf(answer)}` +
      (isXml(answer)
        ? " (an element of XML is a list where `format: { kind: 'xml', lists: ['orders.order'] }` names it)"
        : ''),
  );
}

/** @throws NotUnderstood for a page without rows that does not show that there are none. */
function checkNone(
  { endpoint }: NodeDefinition,
  answer: Answer,
  json: unknown,
  facts: AnswerFacts,
  response: unknown,
): void {
  const { paginate } = endpoint;
  const isNone = (): boolean => showsNone(json) || looksIntoList((watched) => paginate.items(watched, facts), response);
  if (!paginate.mayOmitItems && !isNone())
    throw new NotUnderstood(
      `the answer of "${endpoint.name}" has no rows where \`items\` looks, and no empty list either. It begins ${beginningOf(answer)}. ` +
        'If that is how it says that there are none, its `paginate` needs `mayOmitItems: true`',
    );
  if (paginate.mayOmitItems && saysOther(json, response))
    throw new NotUnderstood(
      `the answer of "${endpoint.name}" has no rows, and none of the fields that \`response\` names; it begins ${beginningOf(answer)}. ` +
        'If that is how it says that there are none, let `response` name one of its fields',
    );
}

/** In which a list of one element looks like one thing, and a list of none like none. */
function isXml({ text }: Answer): boolean {
  return /^\s*<(?!!doctype html|html)/i.test(text.slice(0, 100));
}

/** Calls a function of the definition. @throws UserCodeError that names it. */
export function mapping<Result>(node: NodeDefinition, what: string, run: () => Result): Result {
  return userCode(functionOf(node, what), run);
}

function functionOf(node: NodeDefinition, what: string): string {
  return what === 'response' ? `the schema of endpoint "${node.endpoint.name}"` : `\`${what}\` of node "${node.name}"`;
}
