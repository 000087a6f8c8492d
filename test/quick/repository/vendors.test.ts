import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const root = new URL('../../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');
const vendors = readdirSync(new URL('providers/vendors', root));

describe('a provider that comes along', () => {
  it.each(vendors)('%s is short, is written as a user writes one, and names the vendor’s own pages', (name) => {
    const folder = `providers/vendors/${name}`;
    const files = readdirSync(new URL(folder, root)).map((file) => read(`${folder}/${file}`));
    expect(files.join('').split('\n').length).toBeLessThanOrEqual(250);
    const imported = files.flatMap((text) => [...text.matchAll(/ from '([^']+)'/g)].map(([, from]) => from as string));
    const isUsers = /^\.\/|^zod$|^\.\.\/\.\.\/index\.ts$|^\.\.\/\w+\/index\.ts$/;
    expect(imported.filter((from) => !isUsers.test(from))).toEqual([]);
    expect(files.join('').match(/https:\/\//g)?.length).toBeGreaterThanOrEqual(4);
    expect(read('docs/guides/providers.md')).toContain(`\`sluice/providers/${name}\``);
  });

  it('is imported by its own name, and by nothing else of Sluice', () => {
    expect(vendors).toHaveLength(11);
    const { exports } = JSON.parse(read('package.json')) as { exports: Record<string, { default: string }> };
    expect(exports['./providers/*']?.default).toBe('./dist/providers/vendors/*/index.js');
    expect(read('providers/index.ts')).not.toContain('vendors');
  });
});
