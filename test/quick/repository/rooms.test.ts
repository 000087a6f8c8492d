/** The shape of the code: what each folder is for is written down, and none of them, nor any file, outgrows its reader. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const MOST_FILES = 15;
const MOST_LINES = 300;
const MEDIAN_LINES = 90;

const SOURCES = [
  'activities',
  'cli',
  'client',
  'connecting',
  'contracts',
  'dashboard',
  'db',
  'dev-servers',
  'limiter',
  'providers',
  'testing',
  'workers',
  'workflows',
];
const sources = SOURCES.flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll('\\', '/')),
).filter((file) => !file.startsWith('db/migrations/'));
const filesIn = new Map<string, number>();
for (const file of sources) filesIn.set(dirname(file), (filesIn.get(dirname(file)) ?? 0) + 1);

describe('the rooms of the code', () => {
  it('are all named in docs/internals/architecture.md, with what they hold, and no other is', () => {
    const [, table = ''] =
      /^## Rooms\n([\s\S]*?)^## /m.exec(readFileSync(join(root, 'docs/internals/architecture.md'), 'utf8')) ?? [];
    const named = [...table.matchAll(/^\| (`.*?) +\| \S/gm)].flatMap(([, names = '']) =>
      [...names.matchAll(/`([^`]+)`/g)].map(([, name]) => name as string),
    );
    expect(named.toSorted()).toEqual([...filesIn.keys()].toSorted());
  });

  it('hold no more files than one can take in', () => {
    expect([...filesIn].filter(([, count]) => count > MOST_FILES)).toEqual([]);
  });

  it('hold files that are short', () => {
    const lines = sources
      .filter((file) => file.endsWith('.ts'))
      .map((file) => [file, readFileSync(join(root, file), 'utf8').split('\n').length - 1] as const);
    expect(lines.filter(([, count]) => count > MOST_LINES)).toEqual([]);
    const counts = lines.map(([, count]) => count).toSorted((a, b) => a - b);
    expect(counts[Math.floor(counts.length / 2)]).toBeLessThanOrEqual(MEDIAN_LINES);
  });
});
