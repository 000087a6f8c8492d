/** What a person types wrongly: all of it is said in one message, and nothing is done. */
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { ALSO_CALLED } from '../../../cli/foreign-flags.ts';
import { createProgram } from '../../../cli/program.ts';

/** @returns what is written to standard error, and the exit code that the process would have. */
async function refused(...args: string[]): Promise<{ readonly said: string; readonly code: number }> {
  let said = '';
  const program = createProgram();
  const all = (command: Command): Command[] => [command, ...command.commands.flatMap(all)];
  for (const command of all(program))
    command.exitOverride().configureOutput({ writeErr: (text) => (said += text), writeOut: () => {} });
  // Nothing here may get as far as a server.
  const code = await program.parseAsync(args, { from: 'user' }).then(
    () => 0,
    (error: unknown) => (error as { exitCode?: number }).exitCode ?? -1,
  );
  return { said, code };
}

describe('a command line with several mistakes', () => {
  it('says all of them in one message, and where its help is', async () => {
    const line = 'start network extra --priority high --by bob --input {b --if-running no --bogus x -z --tenant';
    const { said, code } = await refused(...line.split(' '));
    expect(code).toBe(1);
    expect(said.trimEnd().split('\n')).toEqual([
      'error:',
      `  - option '--priority <priority>' was given "high". Allowed choices are interactive, bulk, background.`,
      `  - option '--by <who>' was given "bob". It must be \`user:<id>\` or \`system\`.`,
      `  - option '-i, --input <json>' was given "{b". It is not JSON. Quote it for your shell, e.g. '{"userId":"u1"}'.`,
      `  - option '--if-running <what>' was given "no". Allowed choices are attach, refuse, queue.`,
      `  - option '-t, --tenant <name>' argument missing`,
      `  - required option '-a, --account <name>' not specified`,
      `  - unknown option '--bogus'`,
      `  - unknown option '-z'`,
      '`npx sluice start --help` says what there is.',
    ]);
  });

  it('says a single one in one sentence', async () => {
    expect(await refused('start', 'network')).toEqual({
      code: 1,
      said: "error: required option '-a, --account <name>' not specified\n`npx sluice start --help` says what there is.\n",
    });
  });
});

describe('a mistake', () => {
  it.each([
    [
      'a value that is missing before the next option',
      ['start', 'x', '--account', '--json'],
      'followed by the option --json',
    ],
    ['an option that is given twice', ['runs', '--account', 'a', '-a', 'b'], 'was given more than once'],
    ['an unknown command', ['bogus'], "unknown command 'bogus'"],
    ['an unknown option without a command', ['--bogus'], "unknown option '--bogus'"],
    ['an unknown option of a group', ['accounts', '--bogus'], "unknown option '--bogus'"],
    [
      'an unknown command of a group that has a default',
      ['limits', 'bogus'],
      "'bogus' is no command of 'sluice limits'; there are list, show, pause",
    ],
    ['a word too many', ['overview', 'more'], "too many arguments for 'overview'"],
    ['another word than `list`', ['runs', 'more'], 'argument <list> was given "more". Allowed choices are list.'],
    ['a missing argument', ['limits', 'show'], "missing required argument 'key'"],
    [
      'an id that is no number',
      ['quarantine', 'drop', '1', 'x', '1.5'],
      '"x". It must be a whole number, 1 or more.\n  - ',
    ],
    ['a place that is no number', ['audit', '--after', 'x'], 'a whole number, 0 or more'],
    ['a time that is none', ['audit', '--since', 'yesterday'], 'a time like 2026-11-01'],
    ['a day that is none', ['audit', '--since', '2026-13-01'], 'a time like 2026-11-01'],
    ['a port that is none', ['dashboard', '--port', '65536'], 'from 0 to 65,535'],
    ['settings that are no JSON', ['accounts', 'update', 's', 'a', '--settings', 'x'], 'It is not JSON'],
    [
      'a life of a token that is no number',
      ['accounts', 'connect', 's', 'a', '--expires-in', '1h'],
      'a number above 0',
    ],
    ['a limit below zero', ['limits', 'override', 'k', '--max', '-1'], 'from 0 to 1,000,000,000'],
    [
      'options that exclude each other',
      ['actions', 'resolve', 'a', '--happened', '{}', '--not-happened'],
      'cannot be used with',
    ],
  ])('of %s is refused by name', async (_, args, why) => {
    const { said, code } = await refused(...args);
    expect(code).toBe(1);
    expect(said).toContain(why);
    expect(said.trimEnd().split('\n').at(-1)).toMatch(/^`npx sluice .*--help` says what there is\.$/);
  });

  const counts = [
    'accounts list',
    'alerts',
    'audit',
    'freshness',
    'limits',
    'quarantine',
    'reports',
    'reports list',
    'runs',
    'runs list',
    'state -a x',
  ];
  it.each(counts)('of a count is refused before a server is asked: %s --limit', async (command) => {
    for (const count of ['0', '-5', '1.5', '1001', 'many', '']) {
      const { said, code } = await refused(...command.split(' '), '--limit', count);
      expect([count, code]).toEqual([count, 1]);
      expect(said).toContain('It must be a whole number, from 1 to 1,000.');
    }
  });
});

describe('a name that is not known', () => {
  it.each([
    ['start x -a b --mode full', "unknown option '--mode'; did you mean --full?"],
    ['start x -a b --reason y', "unknown option '--reason'; did you mean --why?"],
    ['start x -a b --acount y', "unknown option '--acount'; did you mean --account?"],
    ['start x -a b --payload=1', "unknown option '--payload=1'; did you mean --input?"],
    ['runs --state failed', "unknown option '--state'; did you mean --status?"],
    ['runs --modul x', "unknown option '--modul'\n"],
    ['accounts erase a b --force', "unknown option '--force'; did you mean --yes?"],
    ['limits override k --units 5', "unknown option '--units'; did you mean --max?"],
    ['strat', "unknown command 'strat'; did you mean start?"],
    ['accounts conect', "unknown command 'conect'; did you mean connect?"],
    ['limits puase k', 'override, forget; did you mean pause?'],
    ['bogus', "unknown command 'bogus'\n"],
  ])('is told with the one that is meant, by its meaning before its spelling: %s', async (line, told) => {
    const { said, code } = await refused(...line.split(' '));
    expect(code).toBe(1);
    expect(said).toContain(told);
  });

  it('has a meaning only among options that there are', () => {
    const all = (command: Command): Command[] => [command, ...command.commands.flatMap(all)];
    const there = new Set(all(createProgram()).flatMap(({ options }) => options.map(({ long }) => long)));
    expect(Object.keys(ALSO_CALLED).filter((option) => !there.has(option))).toEqual([]);
  });
});

describe('the help', () => {
  it('of every command is shown when it is asked for, whatever else is wrong', async () => {
    expect(await refused('start', '--help')).toEqual({ code: 0, said: '' });
    expect(await refused('start', '--priority', 'high', '--help')).toMatchObject({ code: 0 });
    expect(await refused('--version')).toEqual({ code: 0, said: '' });
  });
});
