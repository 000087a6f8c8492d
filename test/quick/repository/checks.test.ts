/** `npm test` and `npm run check` say from the first second on what is done, and about how long it takes. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const script = fileURLToPath(new URL('../../../scripts/checks.mjs', import.meta.url));

/** Runs the checks with programs that only say what they were asked to do. @param failing words of one that fails. */
function check(args: readonly string[], failing = 'nothing') {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-checks-'));
  try {
    for (const program of ['npm', 'npx']) {
      const path = join(folder, program);
      writeFileSync(path, `#!/bin/sh\necho "${program} $*"\ncase "$*" in *${failing}*) exit 3;; esac\n`);
      chmodSync(path, 0o755);
    }
    const PATH = [folder, process.env['PATH']].join(delimiter);
    const { status, stdout } = spawnSync(process.execPath, [script, ...args], { env: { ...process.env, PATH } });
    return { status, lines: stdout.toString().trimEnd().split('\n') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

it('each step is told before it begins, with what it takes, and has its time behind it', () => {
  const { status, lines } = check(['test', 'test/quick/cli']);
  expect(status).toBe(0);
  expect(lines[0]).toMatch(/^1 of 4: types \(.+\)$/);
  expect(lines.filter((line) => /^ {2}\d+ s$/.test(line))).toHaveLength(4);
  expect(lines.filter((line) => /^np[mx] /.test(line))).toEqual([
    'npm run -s typecheck',
    'npm run -s lint',
    'npm run -s format:check',
    'npx vitest run test/quick/cli',
  ]);
  expect(check(['check']).lines.at(-2)).toBe('npx vitest run --project quick');
});

it('the first that fails ends them, with its exit code', () => {
  const { status, lines } = check(['test'], 'lint');
  expect([status, lines.at(-1)]).toEqual([3, 'npm run -s lint']);
});
