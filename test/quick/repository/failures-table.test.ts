import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = new URL('../../../', import.meta.url);
const read = (path: string): string => readFileSync(fileURLToPath(new URL(path, root)), 'utf8');
const rows = read('docs/internals/failures.md')
  .split('\n')
  .flatMap((line) => {
    const [, failure, outcome, who, test] = line.split('|').map((cell) => cell.trim());
    const [, file, words] = /^`([^`]+)` › (.+)$/.exec(test ?? '') ?? [];
    return file && words ? [{ failure, outcome, who, file: `test/${file}.test.ts`, words }] : [];
  });

describe('the table of failures', () => {
  it('has at least 40 rows, each with an outcome and somebody who acts', () => {
    expect(rows.length).toBeGreaterThanOrEqual(40);
    for (const { failure, outcome, who } of rows) expect([failure, outcome, who]).not.toContain('');
    expect(new Set(rows.map(({ failure }) => failure)).size).toBe(rows.length);
  });

  it.each(rows)('$failure: its test exists', ({ file, words }) => {
    const path = fileURLToPath(new URL(file, root));
    expect(existsSync(path), file).toBe(true);
    expect(readFileSync(path, 'utf8')).toContain(words);
  });
});
