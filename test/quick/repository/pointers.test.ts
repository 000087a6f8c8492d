/** Comments and documents name files; each of them exists. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => /\.(ts|sql|md)$/.test(file) && existsSync(join(root, file)) && !file.startsWith('test/fixtures/'));

/** Paths of this project's source files, as comments and documents write them: from the root, or from beside the file. */
function pathsIn(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  const prose = file.endsWith('.md')
    ? text.replaceAll(/^```[\s\S]*?^```/gm, '')
    : [...text.matchAll(/\/\*[\s\S]*?\*\/|(?:\/\/|--).*$/gm)].map(([comment]) => comment).join('\n');
  return [...prose.matchAll(/`([a-z_][\w-]*(?:\/[\w.-]+)*\.(?:ts|sql))`|\]\((?!http)([^)#\s]+)(?:#[^)]*)?\)/g)].map(
    ([, ticked, linked]) => (ticked ?? linked) as string,
  );
}

/** Files of a reader's own project. */
const theirs = new Set(['worker.ts', 'provider.ts', 'sluice.ts']);

describe('a file that a comment or a document names', () => {
  it('is there', () => {
    let looked = 0;
    const missing = files.flatMap((file) =>
      pathsIn(file)
        .filter((path) => {
          looked++;
          return !theirs.has(path) && !existsSync(join(root, path)) && !existsSync(join(root, dirname(file), path));
        })
        .map((path) => `${file} names ${path}`),
    );
    expect(looked).toBeGreaterThan(300);
    expect(missing).toEqual([]);
  });
});
