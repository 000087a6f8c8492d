/**
 * A list whose entries are nothing but errors, whatever it is called: `issue` of FHIR's OperationOutcome, `reasons`, `problems`,
 * `notifications`. Pure. Used by: `envelopes.ts`, `inner-errors.ts`.
 * @see https://hl7.org/fhir/operationoutcome.html
 */
import { isFields } from '../../contracts/values/json-text.ts';
import { plainName } from './plain-name.ts';

/** What an error says of itself. No id and no time: entries of a log have those, and are rows. */
const NAMES: ReadonlySet<string> = new Set([
  'code', 'subcode', 'errorcode', 'errormessage', 'message', 'msg', 'detail', 'details', 'description', 'reason', 'title', 'text',
  'severity', 'diagnostics', 'type', 'status', 'category', 'location', 'locations', 'expression', 'field', 'source', 'pointer',
  'target', 'parameter', 'param', 'path', 'info', 'help', 'docs', 'moreinfo',
]); // prettier-ignore
const WORDS = ['errormessage', 'message', 'msg', 'detail', 'details', 'description', 'reason', 'diagnostics', 'code'];
const SEVERE = /^(error|fatal|critical)$/i;
const MOST_ENTRIES = 100;

export function isListOfErrors(value: unknown): value is readonly object[] {
  if (!Array.isArray(value) || value.length === 0) return false;
  return value.slice(0, MOST_ENTRIES).every((entry: unknown) => {
    const names = isFields(entry) ? Object.keys(entry).map(plainName) : [];
    return names.every((name) => NAMES.has(name)) && names.some((name) => WORDS.includes(name));
  });
}

/** One of them says that it is more than a warning. */
export function saysSevere(value: unknown): boolean {
  if (!isListOfErrors(value)) return false;
  return value
    .slice(0, MOST_ENTRIES)
    .some((entry) =>
      Object.entries(entry).some(
        ([name, of]) => plainName(name) === 'severity' && typeof of === 'string' && SEVERE.test(of),
      ),
    );
}
