import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

describe('docs/learn/coming-from-celery.md', () => {
  const page = read('docs/learn/coming-from-celery.md');
  const sources = readdirSync(new URL('../../../examples/shapes', import.meta.url)).map((name) =>
    read(`examples/shapes/${name}`),
  );
  const samples = [...page.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((match) => match[1] as string);

  it('shows code that runs as a test, line for line', () => {
    expect(samples.length).toBeGreaterThan(10);
    const invented = samples.filter((sample) => !sources.some((source) => source.includes(sample)));
    expect(invented).toEqual([]);
  });

  it('has a section for every link of its table', () => {
    const slugs = [...page.matchAll(/^#+ (.*)$/gm)].map((match) =>
      (match[1] as string).toLowerCase().replaceAll(' ', '-'),
    );
    const links = [...page.matchAll(/\]\(#([^)]+)\)/g)].map((match) => match[1]);
    expect(links.length).toBeGreaterThan(6);
    for (const link of links) expect(slugs).toContain(link);
  });
});
