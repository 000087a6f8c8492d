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

/** What GitHub makes of a heading. */
const slug = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

describe('a link to a part of a page', () => {
  it('leads to a heading that is there', () => {
    const pages = new Map(
      files
        .filter((file) => file.endsWith('.md'))
        .map((file) => [file, readFileSync(join(root, file), 'utf8').replaceAll(/^```[\s\S]*?^```/gm, '')]),
    );
    const slugs = new Map(
      [...pages].map(([file, text]) => [
        file,
        new Set([...text.matchAll(/^#+ (.*)$/gm)].map(([, title]) => slug(title as string))),
      ]),
    );
    let looked = 0;
    const dead = [...pages].flatMap(([file, text]) =>
      [...text.matchAll(/\]\((?!http)([^)#\s]*)#([^)\s]+)\)/g)].flatMap(([, path = '', anchor = '']) => {
        looked++;
        const page = path === '' ? file : join(dirname(file), path);
        return slugs.get(page)?.has(anchor) ? [] : [`${file} leads to ${page}#${anchor}`];
      }),
    );
    expect(looked).toBeGreaterThan(50);
    expect(dead).toEqual([]);
  });
});

it('every file of the walks in the README says at its top where the data goes next', () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const walks = /^## Follow one sync\n([\s\S]*?)^## /m.exec(readme)?.[1] ?? '';
  const walked = [...new Set([...walks.matchAll(/\]\(([^)]+\.ts)\)/g)].map(([, path]) => path as string))];
  expect(walked.length).toBeGreaterThan(25);
  const top = (path: string): string =>
    readFileSync(join(root, path), 'utf8').split(/^(?:import|export) /m, 1)[0] ?? '';
  expect(walked.filter((path) => !/\bNext:/.test(top(path)))).toEqual([]);
});

it('every file of a walk in the README is named at the top of one that was read before it', () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const [sync = '', action = ''] = (/^## Follow one sync\n([\s\S]*?)^## /m.exec(readme)?.[1] ?? '').split(
    'And one action',
  );
  const top = (path: string): string =>
    readFileSync(join(root, path), 'utf8').split(/^(?:import|export) /m, 1)[0] ?? '';
  const named = (path: string): string[] =>
    [...top(path).matchAll(/`([\w./-]+\.(?:ts|sql))`/g)].flatMap(([, name = '']) =>
      [name, join(dirname(path), name)].filter((each) => existsSync(join(root, each))),
    );
  for (const walk of [sync, action]) {
    const walked = [...walk.matchAll(/\]\(([^)]+\.(?:ts|sql))\)/g)].map(([, path = '']) => path);
    expect(walked.length).toBeGreaterThan(8);
    const seen = new Set<string>();
    const lost = walked.filter((path, at) => {
      const isNamed = at === 0 || seen.has(path);
      // The files that its top names, and those that they name in turn, are read on the way.
      for (const next of [path, ...named(path)].filter((each) => each.endsWith('.ts')))
        for (const each of named(next)) seen.add(each);
      return !isNamed;
    });
    expect(lost).toEqual([]);
  }
});

it('a file that is said to be used by another is imported there', () => {
  const sources = files.filter((file) => file.endsWith('.ts') && !file.startsWith('test/'));
  const read = (file: string): string => readFileSync(join(root, file), 'utf8');
  const importedBy = (file: string): string[] =>
    [...read(file).matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map(([, path = '']) => join(dirname(file), path));
  let looked = 0;
  const untrue = sources.flatMap((file) => {
    const top = (read(file).split(/^(?:import|export|const|function) /m, 1)[0] ?? '').replaceAll(/\n \* ?/g, ' ');
    const [, users = ''] = /Used by:? ([^;]*?)(?:;|\. |\.?\s*\*\/)/.exec(top) ?? [];
    return [...users.matchAll(/`([\w./-]+\.ts)`/g)].flatMap(([, named = '']) => {
      looked++;
      const user = [named, join(dirname(file), named)].find((path) => existsSync(join(root, path))) ?? '';
      const imported = user === '' ? [] : importedBy(user);
      // Some come by way of an index.
      const isUsed = [
        ...imported,
        ...imported.filter((path) => path.endsWith('index.ts')).flatMap(importedBy),
      ].includes(file);
      return isUsed ? [] : [`${file} says that ${named} uses it`];
    });
  });
  expect(looked).toBeGreaterThan(100);
  expect(untrue).toEqual([]);
});

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
