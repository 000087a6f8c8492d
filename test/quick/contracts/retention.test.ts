/** What docs/operate/operating.md says of how long rows are kept is what is done without options. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { checkedRetention } from '../../../contracts/operate/retention.ts';

it('the defaults of how long rows are kept are those of the docs', () => {
  const page = readFileSync(new URL('../../../docs/operate/operating.md', import.meta.url), 'utf8');
  const documented = [...page.matchAll(/^\| `(\w+Days)` .*\| (\d+) +\|$/gm)].map(([, name, days]) => [
    name,
    Number(days),
  ]);
  expect(documented).toEqual(Object.entries(checkedRetention()));
});
