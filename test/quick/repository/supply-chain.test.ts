/** What is run and shipped is known byte for byte. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { TEMPORAL_CHECKSUMS } from '../../../dev-servers/temporal/temporal-checksums.ts';

const read = (path: string): string =>
  readFileSync(fileURLToPath(new URL(`../../../${path}`, import.meta.url)), 'utf8');
const tracked = execFileSync('git', ['ls-files'], {
  cwd: fileURLToPath(new URL('../../../', import.meta.url)),
  encoding: 'utf8',
}).split('\n');
type Entry = { readonly integrity?: string; readonly link?: boolean };

describe('what is fetched', () => {
  it.each(['package-lock.json', 'examples/bluesky/server/package-lock.json'])('by %s has a checksum each', (file) => {
    const { packages } = JSON.parse(read(file)) as { packages: Record<string, Entry> };
    const entries = Object.entries(packages).filter(([name, { link }]) => name !== '' && link !== true);
    expect(entries.length).toBeGreaterThan(100);
    expect(
      entries.filter(([, { integrity }]) => integrity?.startsWith('sha512-') !== true).map(([name]) => name),
    ).toEqual([]);
  });

  it('of Temporal is pinned for each platform that has a program', () => {
    expect(Object.keys(TEMPORAL_CHECKSUMS)).toEqual(['linux-x64', 'linux-arm64', 'darwin-arm64', 'darwin-x64']);
    const all = Object.values(TEMPORAL_CHECKSUMS).flatMap(({ program, wheel }) => [program, wheel]);
    expect(all.every((one) => /^[0-9a-f]{64}$/.test(one))).toBe(true);
    expect(new Set(all).size).toBe(all.length);
  });
});

describe('the package', () => {
  const { license, files, publishConfig, scripts } = JSON.parse(read('package.json')) as {
    license: string;
    scripts: Readonly<Record<string, string>>;
    files: string[];
    publishConfig: object;
  };

  it('carries its licence, how to report a hole, and a list of what is in it', () => {
    expect(read('LICENSE')).toContain(`${license} License`);
    expect(read('SECURITY.md')).toMatch(/report/i);
    expect(files).toEqual(expect.arrayContaining(['SECURITY.md', 'CHANGELOG.md', 'sbom.json']));
  });

  it('is built whenever it is packed: one without `dist`, or with an old one, would be installed without a word', () => {
    expect(scripts['prepack']).toMatch(/^node scripts\/build\.mjs && /);
  });

  it('carries every file that its pages link to, and the sources that its source maps name', () => {
    const shipped = (path: string): boolean => files.some((file) => path === file || path.startsWith(`${file}/`));
    const pages = tracked.filter((path) => path.endsWith('.md') && shipped(path));
    const links = pages.flatMap((page) =>
      [...read(page).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)].map(([, link = '']) => [
        page,
        join(dirname(page), link),
      ]),
    );
    expect(links.length).toBeGreaterThan(200);
    expect(links.filter(([, to = '']) => !shipped(to))).toEqual([]);
    const { include } = JSON.parse(read('tsconfig.build.json')) as { include: string[] };
    expect(include.filter((folder) => !shipped(folder))).toEqual([]);
  });

  it('is published with a statement of where it was built', () => {
    expect(publishConfig).toMatchObject({ provenance: true, access: 'public' });
  });
});
