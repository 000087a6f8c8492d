/** Commands that README, docs, files to deploy and texts of the code name: each is one that the command line understands. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CommanderError, type Command } from 'commander';
import { expect, it } from 'vitest';
import { createProgram } from '../../../cli/program.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Words of a line as a shell has them, without a comment, and without what follows a pipe or a redirection. */
function wordsOf(line: string): string[] {
  const words: string[] = [];
  for (const [, word = '', quoted, doubly] of line.matchAll(/('([^']*)'|"([^"]*)"|[^\s'"]+(?:'[^']*'|"[^"]*")?)/g)) {
    if (word === '#' || word === '|' || word === '<' || word === '>' || word === '&&' || word === '&' || word === '…')
      break;
    words.push(quoted ?? doubly ?? word);
  }
  return words;
}

/** A mention may leave out what its reader puts in. */
const LEFT_OUT = /missing required argument|required option .* not specified|argument missing/;

/** @returns what is wrong with it. */
function mistakeOf(args: readonly string[]): string | undefined {
  const program = createProgram();
  const quiet = (command: Command): void => {
    command.exitOverride().configureOutput({ writeErr: () => {}, writeOut: () => {} });
    if (command.commands.length === 0) command.action(() => {});
    command.commands.forEach(quiet);
  };
  quiet(program);
  try {
    program.parse(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) return String(error);
    if (error.exitCode !== 0) return error.message;
  }
  return undefined;
}

it('every command that is named is understood', () => {
  const files = execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' })
    .split('\n')
    .filter((file) => /\.(?:md|ts|ya?ml|service)$|Dockerfile$/.test(file) && !file.startsWith('test/'));
  let looked = 0;
  const wrong: string[] = [];
  for (const file of files) {
    const text = readFileSync(join(root, file), 'utf8');
    for (const [, ticked, line] of text.matchAll(/\\?`npx sluice ([^`]*?)\\?`|^\s*npx sluice (.*)$/gm)) {
      const named = ticked ?? line ?? '';
      // Names that are put in at run time.
      if (named.includes('${')) continue;
      looked++;
      const placed = named.replaceAll(/<[^>]+>|\{\{.*?\}\}/g, 'placeholder').replaceAll(/\s+/g, ' ');
      const mistake = mistakeOf(wordsOf(placed));
      if (mistake !== undefined && !(ticked !== undefined && LEFT_OUT.test(mistake)))
        wrong.push(`${file}: npx sluice ${named}: ${mistake}`);
    }
  }
  expect(looked).toBeGreaterThan(150);
  expect(wrong).toEqual([]);
  expect(mistakeOf(['limits', 'lst'])).toContain('lst');
});
