/**
 * `npm run check` and `npm test`: one step after the other, each with a line that says what it does and about how long it takes, and one
 * that says how long it took. The first that fails ends it. What follows the name goes to the last step: `npm test -- test/quick/cli`.
 */
import { spawnSync } from 'node:child_process';

const STATIC = [
  ['types', 'half a minute', 'npm run -s typecheck'],
  ['lint', 'half a minute', 'npm run -s lint'],
  ['format', 'seconds, a minute the first time', 'npm run -s format:check'],
];
const LAST = {
  check: ['tests without servers', 'a minute', 'npx vitest run --project quick'],
  test: [
    'every test, on servers of its own that it brings along',
    'ten to twenty minutes on two cores',
    'npx vitest run',
  ],
};

const [kind = 'test', ...rest] = process.argv.slice(2);
const steps = [...STATIC, LAST[kind]];
for (const [index, [what, takes, command]] of steps.entries()) {
  const isLast = index === steps.length - 1;
  console.log(`${index + 1} of ${steps.length}: ${what} (${takes})`);
  const begun = performance.now();
  const [program, ...args] = [...command.split(' '), ...(isLast ? rest : [])];
  const { status } = spawnSync(program, args, { stdio: 'inherit', shell: process.platform === 'win32' });
  if (status !== 0) {
    console.error(`${what}: failed`);
    process.exit(status ?? 1);
  }
  console.log(`  ${Math.round((performance.now() - begun) / 1_000)} s`);
}
