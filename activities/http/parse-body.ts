/**
 * Parses a body that the rules have accepted. What is wrong with it is said in words that carry no data of the body
 * beyond its first characters. Next stop: `../paginate/advance.ts`.
 */
import type { Answer } from '../../contracts/answer.ts';
import type { Endpoint } from '../../providers/define/define-provider.ts';

export type ParsedBody =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly reason: string };

export function parseBody(endpoint: Pick<Endpoint, 'name' | 'parseResponse'>, answer: Answer): ParsedBody {
  let json: unknown;
  try {
    json = answer.text === '' ? null : JSON.parse(answer.text);
  } catch {
    return { ok: false, reason: `the body is not JSON; it begins ${JSON.stringify(answer.text.slice(0, 60))}` };
  }
  try {
    return { ok: true, value: endpoint.parseResponse(json) };
  } catch (error) {
    return {
      ok: false,
      reason: `the answer of "${endpoint.name}" has another shape than its schema: ${issuesOf(error)}`,
    };
  }
}

/** What a schema refused, as a sentence; of any other error its message. */
export function issuesOf(error: unknown): string {
  const issues = (error as { issues?: readonly { path: readonly PropertyKey[]; message: string }[] }).issues;
  if (!issues) return error instanceof Error ? error.message : String(error);
  const shown = issues.slice(0, 3).map(({ path, message }) => `${path.map(String).join('.') || 'body'}: ${message}`);
  return shown.join('; ') + (issues.length > 3 ? `; and ${issues.length - 3} more` : '');
}
