/** docs/operate/deploy.md has every setting that the code reads. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const root = new URL('../../../', import.meta.url);
const FOLDERS = ['cli', 'client', 'connecting', 'contracts', 'dashboard', 'db', 'dev-servers', 'limiter', 'workers'];
/** Read from the environment, or named as what an option falls back to. */
const READ = /(?:env\['|default: |[{,] )(SLUICE_(?!VERSION\b)[A-Z_]*[A-Z])\b/g;

it('every setting that is read stands in the table of settings, with its default', () => {
  const read = new Set<string>();
  for (const folder of FOLDERS)
    for (const file of readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' }))
      if (file.endsWith('.ts'))
        for (const [, name] of readFileSync(new URL(`${folder}/${file}`, root), 'utf8').matchAll(READ)) read.add(name!);
  expect(read.size).toBeGreaterThan(15);
  const page = readFileSync(new URL('docs/operate/deploy.md', root), 'utf8');
  const rows = page
    .slice(page.indexOf('\n## Settings'))
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  const told = new Set(rows.flatMap((row) => (row.split('|')[1] ?? '').match(/SLUICE_[A-Z_]+/g) ?? []));
  expect([...read].filter((name) => !told.has(name))).toEqual([]);
});
