/**
 * CSV as rows of fields (RFC 4180): each row an object by the names of the first line. What does not fit together is refused with the
 * line: another number of fields, a quote that is not closed, a name that comes twice. Used by: `body-data.ts`.
 */
import { parse, type CsvError } from 'csv-parse/sync';
import type { AnswerData } from '../../contracts/answers/answer.ts';
import type { CsvFormat } from '../../contracts/answers/body-format.ts';

/** @param text without a byte-order mark. */
export function readCsv(text: string, { delimiter = ',', quote = '"', columns }: Omit<CsvFormat, 'kind'>): AnswerData {
  let lines: string[][];
  try {
    lines = parse(text, { delimiter, quote, record_delimiter: lineEnds(text), skip_empty_lines: true });
  } catch (error) {
    return { ok: false, reason: `is no CSV (${(error as CsvError).message})` };
  }
  const names = columns ?? lines[0];
  if (!names) return { ok: false, reason: 'is empty, without the line of names that CSV begins with' };
  const double = names.find((name, index) => names.indexOf(name) !== index);
  if (double !== undefined) return { ok: false, reason: `is CSV with two columns called ${JSON.stringify(double)}` };
  const rows = columns ? lines : lines.slice(1);
  if (rows[0] && rows[0].length !== names.length)
    return { ok: false, reason: `is CSV with ${rows[0].length} columns, not the ${names.length} of \`columns\`` };
  if (rows.length === 0 && !columns) return { ok: true, value: [], names };
  // Entries, not assignments: a column may be called `__proto__`.
  return { ok: true, value: rows.map((fields) => Object.fromEntries(names.map((name, at) => [name, fields[at]]))) };
}

/** The parser would take the first one for all of them. */
function lineEnds(text: string): string[] {
  return text.includes('\n') ? ['\r\n', '\n'] : ['\r'];
}
