/**
 * Parses a body that the rules have accepted. What is wrong with it is said in words that carry no data of the body
 * beyond its first characters. Next stop: `../paginate/advance.ts`.
 */
import { hash } from 'node:crypto';
import type { Answer } from '../../contracts/answer.ts';
import type { Endpoint } from '../../providers/define/define-provider.ts';

export type ParsedBody =
  | { readonly ok: true; readonly value: unknown }
  /** `riddle` is a name of the body: the same one has the same. */
  | { readonly ok: false; readonly reason: string; readonly riddle: string };

export function parseBody(endpoint: Pick<Endpoint, 'name' | 'parseResponse'>, answer: Answer): ParsedBody {
  let json: unknown;
  try {
    json = answer.text === '' ? null : JSON.parse(answer.text);
  } catch {
    const reason = `the body is not JSON; it begins ${JSON.stringify(answer.text.slice(0, 60))}`;
    return { ok: false, reason, riddle: nameOf(answer) };
  }
  try {
    return { ok: true, value: endpoint.parseResponse(json) };
  } catch (error) {
    const reason = `the answer of "${endpoint.name}" has another shape than its schema: ${issuesOf(error)}`;
    return { ok: false, reason, riddle: nameOf(answer) };
  }
}

/** What a schema refused, as a sentence; of any other error its message. */
export function issuesOf(error: unknown): string {
  const issues = (error as { issues?: readonly { path: readonly PropertyKey[]; message: string }[] }).issues;
  if (!issues) return error instanceof Error ? error.message : String(error);
  const shown = issues.slice(0, 3).map(({ path, message }) => `${path.map(String).join('.') || 'body'}: ${message}`);
  return shown.join('; ') + (issues.length > 3 ? `; and ${issues.length - 3} more` : '');
}

function nameOf({ text }: Answer): string {
  return hash('sha1', text, 'base64').slice(0, 16);
}
