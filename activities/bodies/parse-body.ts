/**
 * A body that the rules have accepted, read by its schema. What is wrong with it is said in words that carry no data of the body
 * beyond its first characters. Next: `activities/page/read-page.ts` takes its rows.
 */
import { hash } from 'node:crypto';
import type { Answer } from '../../contracts/answers/answer.ts';
import { jsonOf } from '../../contracts/answers/answer-json.ts';
import { cleanText } from '../../contracts/values/clean-text.ts';
import type { Endpoint } from '../../providers/define/define-provider.ts';

/** What does not fit, as a schema says it. */
export interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

export type ParsedBody =
  /** `json` is the body before the schema. */
  | { readonly ok: true; readonly value: unknown; readonly json: unknown }
  /** `issues`, with the body, only when it was data of another shape. `riddle` is a name of the body: the same one has the same. */
  | {
      readonly ok: false;
      readonly reason: string;
      readonly riddle: string;
      readonly json?: unknown;
      readonly issues?: readonly Issue[];
    };

export function parseBody(endpoint: Pick<Endpoint, 'name' | 'parseResponse'>, answer: Answer): ParsedBody {
  const json = jsonOf(answer);
  const wrong = json.ok ? json.isOther : json.reason;
  if (!json.ok || wrong !== undefined)
    return { ok: false, reason: `the body ${wrong}; it begins ${beginningOf(answer)}`, riddle: riddleOf(answer) };
  const missed = json.names && missedName(endpoint, json.names);
  if (missed !== undefined)
    return {
      ok: false,
      reason: `the body is CSV without rows, and its line of names has no "${missed}"; it begins ${beginningOf(answer)}`,
      riddle: riddleOf(answer),
    };
  try {
    return { ok: true, value: endpoint.parseResponse(json.value), json: json.value };
  } catch (error) {
    const issues = issuesOf(error);
    const reason = `the answer of "${endpoint.name}" has another shape than its schema: ${issuesText(issues, json.value)}`;
    return { ok: false, reason, riddle: riddleOf(answer), json: json.value, issues };
  }
}

/** A message may stand where the line of names was to be. @returns a name that the schema wants of each row, and that is not there. */
function missedName(endpoint: Pick<Endpoint, 'parseResponse'>, names: readonly string[]): string | undefined {
  try {
    endpoint.parseResponse([Object.fromEntries(names.map((name) => [name, '']))]);
    return undefined;
  } catch (error) {
    const missed = issuesOf(error).find(
      ({ path }) => path[0] === 0 && path.length === 2 && !names.includes(String(path[1])),
    );
    return missed && String(missed.path[1]);
  }
}

/** The first characters of a body, in quotes. */
export function beginningOf({ text }: Answer): string {
  return JSON.stringify(cleanText(text.slice(0, 61), 60));
}

/** As much of a body as its name is made of, in characters, beside its length. */
const NAMED_BY = 262_144;

/** A name of an answer that can't be understood: the same one is not asked for again and again. */
export function riddleOf({ status, text }: Answer): string {
  return hash('sha1', `${status} ${text.length} ${text.slice(0, NAMED_BY)}`, 'base64').slice(0, 16);
}

/** @param error what a schema threw. */
export function issuesOf(error: unknown): readonly Issue[] {
  const issues = (error as { issues?: readonly Issue[] } | null)?.issues;
  return issues ?? [{ path: [], message: error instanceof Error ? error.message : String(error) }];
}

export function issuesText(issues: readonly Issue[], json: unknown): string {
  const shown = issues.slice(0, 3).map((issue) => issueText(issue, json));
  return shown.join('; ') + (issues.length > 3 ? `; and ${issues.length - 3} more` : '');
}

function issueText({ path, message }: Issue, json: unknown): string {
  const value = path.reduce<unknown>((found, name) => (found as Record<PropertyKey, unknown> | null)?.[name], json);
  const isLong = typeof value === 'string' && /^-?\d{16,25}$/.test(value.slice(0, 30));
  const hint = isLong ? ' (an integer beyond 2^53 is given as text)' : '';
  return cleanText(`${path.map(String).join('.') || 'body'}: ${message}${hint}`, 300);
}
