/** What a person who tries the demo is told. The demo itself runs in `test/temporal/providers/bluesky-network.test.ts`. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { demoCommand, readDemoOptions } from '../../../examples/bluesky/demo-options.ts';
import { nextSteps } from '../../../examples/bluesky/next-steps.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const optionsOf = (...args: string[]) => readDemoOptions(['node', 'demo', ...args]);

it('the demo ends with what to do next, which is there and was not done just now', () => {
  const text = nextSteps(optionsOf()).join('\n');
  const flags = [...text.matchAll(/npm run demo -- (--[\w-]+)/g)].map(([, flag = '']) => flag);
  expect(flags).toEqual(['--kill-worker', '--keep']);
  expect(optionsOf(...flags)).toMatchObject({ killWorker: true, keep: true });
  const [file = ''] = /examples\/\S+/.exec(text) ?? [];
  expect(existsSync(`${root}${file}`)).toBe(true);
  const readme = readFileSync(`${root}README.md`, 'utf8');
  for (const [, title] of text.matchAll(/"([^"]+)"/g)) expect(readme).toContain(`\n## ${title}\n`);
  expect(nextSteps(optionsOf('--keep', '--kill-worker')).join('\n')).not.toContain('npm run demo');
});

it.each([
  ['--accounts', 'many'],
  ['--limit', '0'],
  ['--workers', '0'],
  ['--posts', '1.5'],
])('the demo refuses %s %s in a sentence', (option, value) => {
  const command = demoCommand()
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  expect(() => command.parse([option, value], { from: 'user' })).toThrow(/It must be a whole number, [01] or more\./);
});
