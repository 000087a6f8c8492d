/** The command line as a whole: one style of options, and nothing loaded before it is wanted. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command, Option } from 'commander';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../../../cli/program.ts';
import { readWorkerSettings } from '../../../workers/config.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

function commandsOf(command: Command, name = ''): { name: string; command: Command }[] {
  const path = `${name} ${command.name()}`.trim();
  return [{ name: path, command }, ...command.commands.flatMap((each) => commandsOf(each, path))];
}

const commands = commandsOf(createProgram());
const options = commands.flatMap(({ name, command }) => command.options.map((option: Option) => ({ name, option })));

describe('the options of all commands', () => {
  it('have one meaning for each short letter, and one short letter for each name', () => {
    const longOf = new Map<string, Set<string | undefined>>();
    const shortOf = new Map<string, Set<string | undefined>>();
    const put = (map: Map<string, Set<string | undefined>>, key: string | undefined, value: string | undefined) =>
      key === undefined ? map : map.set(key, new Set([...(map.get(key) ?? []), value]));
    for (const { option } of options) {
      put(longOf, option.short, option.long);
      put(shortOf, option.long, option.short);
    }
    const twice = [...longOf, ...shortOf].filter(([, values]) => values.size > 1);
    expect(options.length).toBeGreaterThan(40);
    expect(twice).toEqual([]);
  });

  it('are described, or name their choices', () => {
    const bare = options.filter(({ option }) => option.description === '' && option.argChoices === undefined);
    expect(bare.map(({ name, option }) => `${name} ${option.flags}`)).toEqual([]);
  });
});

/** Commands that change nothing, or what is no act of an operator: servers and workers that they start. */
const LOOKS = `actions pending, actions status, actions waits, accounts list, accounts status, accounts show, alerts check, alerts list, audit, completion, dashboard, deployments list, dev, doctor, explain, freshness, limits list, limits show, overview,
  quarantine list, queries, reports, runs, schedules list,
  schedules plan, state show, status, watch, worker, workers list`;

describe('every command', () => {
  it('that changes something says who acts and why: `--by` and `--why`', () => {
    const leaves = commands.filter(({ command }) => command.commands.length === 0);
    const has = (command: Command, long: string) => command.options.some((option: Option) => option.long === long);
    const silent = leaves.filter(({ command }) => !has(command, '--why') || !has(command, '--by'));
    expect(silent.map(({ name }) => name.replace('sluice ', '')).sort()).toEqual(LOOKS.split(/,\s+/).sort());
  });

  it('has an example in its help, and tells facts as JSON with `--json`, but for servers and the script of completions', () => {
    const leaves = commands.filter(({ command }) => command.commands.length === 0);
    const helpOf = (command: Command): string => {
      let text = '';
      command.configureOutput({ writeOut: (part) => (text += part) }).outputHelp();
      return text;
    };
    const bare = leaves.filter(
      ({ command }) => !/\nExamples?(?:,[^\n:]*)?:\n {2}(?:npx sluice|echo) /.test(helpOf(command)),
    );
    expect(bare.map(({ name }) => name)).toEqual([]);
    const mute = leaves.filter(({ command }) => !command.options.some(({ long }) => long === '--json'));
    expect(mute.map(({ name }) => name.replace('sluice ', '')).sort()).toEqual([
      'completion',
      'dashboard',
      'dev',
      'worker',
    ]);
  });

  it('shows its own options first in its help, and says nothing of switches that are off', () => {
    const retry = createProgram().commands.find((command) => command.name() === 'retry') as Command;
    const help = retry.helpInformation();
    const shown = [...help.matchAll(/^ {2}(?:-\w, )?(--\w+)/gm)].map(([, long]) => long);
    expect(shown).toEqual(['--also', '--wait', '--by', '--why', '--json', '--help']);
    expect(help.replaceAll(/\s+/g, ' ')).not.toMatch(/default: (false|\[\])/);
  });

  it('says in the help of its group that it is what the group does without a word', () => {
    const helpOf = (name: string) => commands.find((each) => each.name === name)?.command.helpInformation() ?? '';
    for (const group of ['limits', 'alerts', 'workers', 'quarantine', 'state'])
      expect(helpOf(`sluice ${group}`).match(/also\s+without\s+this\s+word/g), group).toHaveLength(1);
    expect(helpOf('sluice accounts')).not.toContain('without this word');
  });

  it('says in its help which of its options must be given', () => {
    const help = (name: string) => commands.find((each) => each.name === name)?.command.helpInformation() ?? '';
    const required = options.filter(({ option }) => option.mandatory);
    expect(required.length).toBeGreaterThan(2);
    for (const { name, option } of required)
      expect(help(name).replaceAll(/\s+/g, ' '), name).toContain(`${option.flags} ${option.description} (required)`);
  });

  it('names builds in its examples as a build may be named', () => {
    const named = commands
      .filter(({ name }) => name.startsWith('sluice deployments'))
      .flatMap(({ command }) => {
        let text = '';
        command.configureOutput({ writeOut: (part) => (text += part) }).outputHelp();
        return [...text.matchAll(/deployments (?:promote|release) (\d\S*)/g)].map(([, build]) => build ?? '');
      });
    expect(named.length).toBeGreaterThan(1);
    for (const build of named) expect(() => readWorkerSettings({ SLUICE_BUILD_ID: build }), build).not.toThrow();
  });

  it.each(['--dry-run', '--sql'])(
    'that would leave an option out refuses it: migrate --grant with %s',
    async (look) => {
      const migrate = createProgram().commands.find((command) => command.name() === 'migrate') as Command;
      migrate.exitOverride().configureOutput({ writeErr: () => {} });
      await expect(migrate.parseAsync(['--grant', 'someone', look], { from: 'user' })).rejects.toThrow(
        `'${look}' cannot be used with option '--grant <role>'`,
      );
    },
  );

  it('is registered by a file of its own, and says what it does', () => {
    for (const { name, command } of commands) expect([name, command.description()]).not.toContain('');
  });

  it('loads its libraries when it runs: at the start nothing but commander and plain helpers is imported', () => {
    const files = new Set<string>();
    const packages = new Set<string>();
    const visit = (file: string): void => {
      if (files.has(file)) return;
      files.add(file);
      const text = readFileSync(file, 'utf8').replaceAll(/\/\*[\s\S]*?\*\//g, '');
      for (const [, names = '', what = ''] of text.matchAll(/^(?:import|export)\s+([^'";]*?)\s*from\s+'([^']+)'/gm)) {
        const isType = /^type\b/.test(names) || /^\{(?:\s*type\s[^,}]*,?)+\s*\}$/.test(names);
        if (isType) continue;
        if (what.startsWith('.')) visit(join(dirname(file), what));
        else packages.add(what);
      }
    };
    visit(join(root, 'cli/program.ts'));
    expect([...packages].filter((name) => !name.startsWith('node:'))).toEqual(['commander']);
    const folders = new Set([...files].map((file) => relative(root, file).split('/')[0]));
    expect([...files].every((file) => existsSync(file))).toBe(true);
    expect(folders).toEqual(new Set(['cli', 'contracts']));
    expect(files.size).toBeGreaterThan(20);
  });
});
