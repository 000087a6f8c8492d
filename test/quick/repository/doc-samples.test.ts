/** Every sample of TypeScript in README and docs is code that the compiler takes, with the names and types of this package. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { exportsOf, moduleOf, samplesOf, type DocSample } from '../../setup/doc-samples.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
/** Their samples are lines of `examples`, which tests of their own compare. */
const ELSEWHERE = new Set(['docs/guides/any-api.md', 'docs/learn/coming-from-celery.md']);
/** Where a sample's names come from; the scene is first, since a reader's `calendar` is no limit. */
const MODULES = {
  scene: 'test/fixtures/doc-scene.ts',
  'sluice/provider': 'providers/index.ts',
  sluice: 'client/index.ts',
  'sluice/worker': 'workers/index.ts',
  'sluice/testing': 'testing/index.ts',
  'sluice/connecting': 'connecting/index.ts',
  'sluice/dashboard': 'dashboard/index.ts',
  'sluice/limiter': 'limiter/index.ts',
};

/** @returns what the compiler says of them, with their places in the docs. */
async function complaints(samples: readonly DocSample[]): Promise<string[]> {
  const names = new Map<string, readonly string[]>();
  for (const [module, file] of Object.entries(MODULES))
    names.set(module, exportsOf(await readFile(join(root, file), 'utf8')));
  const folder = await mkdtemp(join(tmpdir(), 'sluice-doc-samples-'));
  try {
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    for (const [index, sample] of samples.entries())
      await writeFile(join(folder, `${index}.mts`), moduleOf(sample, names));
    const paths = Object.fromEntries(Object.entries(MODULES).map(([module, file]) => [module, [join(root, file)]]));
    const compilerOptions = {
      noEmit: true,
      declaration: false,
      rootDir: '/',
      typeRoots: [join(root, 'node_modules/@types')],
      paths: { ...paths, 'sluice/providers/*': [join(root, 'providers/vendors/*/index.ts')] },
      // The scene is of any type where a reader's own is meant; types are imported as values are.
      noImplicitAny: false,
      verbatimModuleSyntax: false,
      noUncheckedIndexedAccess: false,
    };
    const config = { extends: join(root, 'tsconfig.json'), compilerOptions, include: ['*.mts'], exclude: [] };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const compiler = join(root, 'node_modules/typescript/bin/tsc');
    const said = await new Promise<string>(
      (resolve) =>
      execFile(process.execPath, [compiler, '-p', folder, '--pretty', 'false'], { cwd: folder }, (_, stdout) => resolve(stdout)), // prettier-ignore
    );
    return said
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.replace(/^(\d+)\.mts\(\d+,\d+\)/, (_, index: string) => samples[Number(index)]!.place));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

it('every sample of README and docs is taken by the compiler, and one that is not is told with its place', async () => {
  const pages = execFileSync('git', ['ls-files', 'README.md', 'limiter/README.md', 'docs'], { cwd: root, encoding: 'utf8' })
    .split('\n')
    .filter((page) => page.endsWith('.md') && !ELSEWHERE.has(page)); // prettier-ignore
  const samples = (
    await Promise.all(pages.map(async (page) => samplesOf(page, await readFile(join(root, page), 'utf8'))))
  ).flat();
  expect(samples.length).toBeGreaterThan(60);
  const wrong = [
    { place: 'wrong:1', code: "await sluice.runs.list({ acount: 'a' });\n" },
    { place: 'wrong:2', code: "paginate: { kind: 'cursor', items: (body) => body.items, nxt: (body) => body.next }\n" },
    { place: 'wrong:3', code: 'classify: rules([when(statuss(429), limited())]),\n' },
  ];
  const said = await complaints([...samples, ...wrong]);
  const places = said.map((line) => /^(wrong:\d)/.exec(line)?.[1]).filter((place) => place !== undefined);
  expect(new Set(places)).toEqual(new Set(wrong.map(({ place }) => place)));
  expect(said.filter((line) => !/^(?:wrong:\d|\s)/.test(line))).toEqual([]);
});
