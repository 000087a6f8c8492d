import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { api, byScroll } from '../../../examples/any-api/lists.ts';
import { shop, ways } from '../../../examples/any-api/account.ts';
import { exported } from '../../../examples/any-api/exports.ts';
import { changes } from '../../../examples/any-api/state.ts';
import { book, chosen } from '../../../examples/any-api/trees.ts';

const root = new URL('../../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');

describe('docs/guides/any-api.md', () => {
  const page = read('docs/guides/any-api.md');
  const sources = readdirSync(new URL('examples/any-api', root)).map((name) => read(`examples/any-api/${name}`));
  const samples = [...page.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((match) => match[1] as string);
  const rows = page.split('\n').filter((line) => /^\| (?!-|the API has)/.test(line));

  it('shows code that is compiled, line for line', () => {
    expect(samples.length).toBeGreaterThan(15);
    expect(samples.filter((sample) => !sources.some((source) => source.includes(sample)))).toEqual([]);
  });

  it('shows definitions without a mistake', () => {
    expect([
      ...api.mistakes(),
      ...shop.mistakes(),
      ...changes.definition.provider.mistakes(),
      ...exported.definition.provider.mistakes(),
      ...book.definition.provider.mistakes(),
      ...chosen.definition.provider.mistakes(),
    ]).toEqual([]);
    expect(byScroll.provider).toBe(api);
    expect(ways.flatMap(({ mistakes = [] }) => mistakes)).toEqual([]);
  });

  it('has a section for every link of its table', () => {
    const slugs = [...page.matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
      (title as string).toLowerCase().replaceAll(' ', '-'),
    );
    const links = [...page.matchAll(/\]\(#([^)]+)\)/g)].map(([, link]) => link);
    expect(links.length).toBeGreaterThan(15);
    for (const link of links) expect(slugs).toContain(link);
  });

  it.each(rows)('names a test that is there: %s', (row) => {
    const [, file, words] = /`([^`]+)` › (.+?) *\|$/.exec(row) ?? [];
    expect(existsSync(new URL(`test/${file}.test.ts`, root)), row).toBe(true);
    expect(read(`test/${file}.test.ts`)).toContain(words);
  });
});
