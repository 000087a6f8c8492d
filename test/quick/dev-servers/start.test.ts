/** A development server that ends while it starts: with a real program that does so. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findOrStart } from '../../../dev-servers/find-or-start.ts';
import { launch } from '../../../dev-servers/server-process.ts';

describe('a server that ends while it starts', () => {
  let folder: string;
  beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'sluice-start-'))));
  afterEach(() => rm(folder, { recursive: true, force: true }));

  /** Says in a file how often it was started, and stays from the given start on. */
  const start = (staysFrom: number, lines: string[]) => {
    const file = join(folder, 'starts');
    const script = `echo x >> "${file}"; [ $(wc -l < "${file}") -ge ${staysFrom} ] || { echo no port; exit 2; }; touch "${file}.up"; exec sleep 60`;
    return findOrStart({
      name: 'thing',
      folder,
      marker: 'sleep 60',
      log: (line) => lines.push(line),
      isHealthy: () =>
        readFile(`${file}.up`).then(
          () => true,
          () => false,
        ),
      launch: async (_, logFile) => ({
        process: await launch({ command: '/bin/sh', args: ['-c', script], logFile }),
        remember: { port: 1 },
      }),
    });
  };
  const starts = async () => (await readFile(join(folder, 'starts'), 'utf8')).trim().split('\n').length;

  it('is started again, and is said to have been', async () => {
    const lines: string[] = [];
    const server = await start(2, lines);
    expect(await starts()).toBe(2);
    expect(lines[0]).toBe('thing: ended while it started (it exited with code 2); once more');
    await server.stop();
  });

  it('is given up after three starts, with the end of its log', async () => {
    await expect(start(9, [])).rejects.toThrow(/thing did not start: it exited with code 2[^]*no port/);
    expect(await starts()).toBe(3);
  });
});
