/** `sluice … | head`: whoever read has read enough. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../../', import.meta.url));

it('a reader that has gone ends the command as a broken pipe does, without a word', async () => {
  // The reader closes the pipe, and says so; only then does the command begin.
  const line =
    'set -o pipefail; { cat > /dev/null; exec "$0" --import tsx cli/main.ts completion bash; } | { exec <&-; echo closed >&2; }';
  const shell = spawn('bash', ['-c', line, process.execPath], { cwd: root, stdio: ['pipe', 'ignore', 'pipe'] });
  let said = '';
  shell.stderr.on('data', (data: Buffer) => {
    said += data.toString();
    shell.stdin.end();
  });
  await once(shell, 'close');
  expect(said).toBe('closed\n');
  expect(shell.exitCode).toBe(141);
});
