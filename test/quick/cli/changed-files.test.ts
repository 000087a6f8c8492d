import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { markOf, watchChanges, type ChangedFiles } from '../../../cli/dev/changed-files.ts';

let folder: string;
let files: ChangedFiles;
let told: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-changed-'));
  await mkdir(join(folder, 'src'));
  told = [];
  files = watchChanges((path) => void told.push(path));
});
afterEach(async () => {
  files.stop();
  await rm(folder, { recursive: true });
});
const file = (name: string): string => join(folder, 'src', name);
const isTold = (count: number) => expect.poll(() => told.length, { interval: 20 }).toBe(count);

describe('a loaded file', () => {
  it('that is saved, in place or by renaming, is told once each time', async () => {
    await writeFile(file('a.ts'), 'one');
    files.add(file('a.ts'));
    await writeFile(file('a.ts'), 'one and two');
    await isTold(1);
    for (const text of ['three', 'four']) {
      await writeFile(file('a.ts.new'), text);
      await rename(file('a.ts.new'), file('a.ts'));
      await isTold(text === 'three' ? 2 : 3);
    }
    expect(new Set(told)).toEqual(new Set([file('a.ts')]));
  });

  it('that was saved between its import and the news of it is told', async () => {
    await writeFile(file('a.ts'), 'as it was imported');
    const mark = markOf(file('a.ts'));
    await writeFile(file('a.ts'), 'saved in between');
    files.add(file('a.ts'), mark);
    await isTold(1);
  });

  it('that is taken away for good is told as well, and holds up no other', async () => {
    await writeFile(file('a.ts'), 'a');
    await writeFile(file('b.ts'), 'b');
    files.add(file('a.ts'));
    files.add(file('b.ts'));
    await rm(file('a.ts'));
    await isTold(1);
    await writeFile(file('b.ts'), 'another b');
    await isTold(2);
    expect(told).toEqual([file('a.ts'), file('b.ts')]);
  });

  it('that is missing is told when it comes, where the folders are looked at: those of the files, and none above', async () => {
    await writeFile(file('a.ts'), 'a');
    files.add(file('a.ts'));
    files.addFolders();
    await writeFile(join(folder, 'elsewhere.ts'), '');
    await writeFile(file('later.ts'), '');
    await isTold(1);
    expect(told).toEqual([join(folder, 'src')]);
    files.clear();
    await writeFile(file('a.ts'), 'another a');
    await writeFile(file('c.ts'), '');
    files.add(file('c.ts'));
    await writeFile(file('c.ts'), 'c');
    await isTold(2);
    expect(told[1]).toBe(file('c.ts'));
  });
});
