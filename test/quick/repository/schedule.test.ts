import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { ALONE, LONG, QUIET } from '../../setup/schedule.ts';

const root = new URL('../../../', import.meta.url);

it('every test file that runs alone or begins first is there, so that a renamed one is not forgotten', () => {
  const missing = [...ALONE, ...QUIET, ...LONG].filter((file) => !existsSync(fileURLToPath(new URL(file, root))));
  expect(missing).toEqual([]);
});
