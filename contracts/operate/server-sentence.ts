/**
 * What a server refused or left unanswered, as an operator can use it: what was found, and what to do. Used by `cli/sentence.ts` and
 * `dashboard/http/responses.ts`.
 */

const LOOKS_CLOSER = '`npx sluice doctor` looks closer.';

/** By SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html. What follows Postgres' own words. */
const TODO_OF: Readonly<Record<string, string>> = {
  '28P01': 'DATABASE_URL names the user and the password.',
  '28000': 'DATABASE_URL names the user and the password.',
  '3D000': 'Create the database that DATABASE_URL names, then run `npx sluice migrate`; or name another one.',
  '42501':
    'The role of DATABASE_URL lacks a right: the owner of the schema gives it by `npx sluice migrate --grant <role>`.',
  '42704': 'Create it first, by `create role … login`.',
  '53300': 'The server has no connection left: end a worker, or allow more (`max_connections`).',
  '25006': 'This server may only be read: DATABASE_URL must name the one that takes writes.',
};
const OTHER_SCHEMA = new Set(['42P01', '3F000', '42883', '42703']);
const UNREACHABLE = new Set(['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'EHOSTUNREACH']);
const NO_CONNECTION = /^(?:timeout exceeded when trying to connect|Connection terminated)/;

/** @returns undefined for an error of anything else. */
export function serverSentence(error: unknown): string | undefined {
  for (let each = error; each instanceof Error; each = each.cause) {
    const found = databaseSentence(each) ?? workflowSentence(each);
    if (found !== undefined) return found;
  }
  return undefined;
}

function databaseSentence(error: Error): string | undefined {
  const { code } = error as { code?: unknown };
  if (NO_CONNECTION.test(error.message) || (typeof code === 'string' && UNREACHABLE.has(code)))
    return `The database does not answer: ${wordsOf(error)}. Is it running, and is DATABASE_URL right? ${LOOKS_CLOSER}`;
  if (typeof code !== 'string' || !('severity' in error)) return undefined;
  if (OTHER_SCHEMA.has(code))
    return `The database does not have the schema of this version: ${error.message}. \`npx sluice migrate --dry-run\` names what is missing, \`npx sluice migrate\` applies it.`;
  const todo = TODO_OF[code];
  return todo === undefined ? undefined : `The database refused: ${error.message}. ${todo}`;
}

/** A host with several addresses fails with one error for each, and no words of its own. */
function wordsOf(error: Error): string {
  const all = error instanceof AggregateError ? error.errors.map((each: unknown) => (each as Error).message) : [];
  return all.length > 0 ? all.join(', ') : error.message;
}

/** Temporal's words. */
function workflowSentence({ name, message }: Error): string | undefined {
  if (name !== 'WorkflowNotFoundError') return undefined;
  if (/already completed/.test(message)) return 'It has ended: nothing was changed. `npx sluice status <id>` says how.';
  const [, id] = /^workflow not found for ID: (.*)$/s.exec(message) ?? [];
  const which = id === undefined ? 'this id' : `the id ${JSON.stringify(id)}`;
  return `No run, action or saga has ${which}. \`npx sluice runs\` and \`npx sluice reports\` name those that there are.`;
}
