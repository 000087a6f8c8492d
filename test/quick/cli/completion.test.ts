/** The scripts that complete commands: played in a real bash. */
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { completionScript } from '../../../cli/commands/completion.ts';
import { createProgram } from '../../../cli/program.ts';

const script = completionScript(createProgram(), 'bash');

/** What TAB offers behind a line. */
function offered(line: string): string[] {
  const words = line.split(' ');
  const play = `${script}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _sluice; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync('bash', ['--norc', '-c', play], { encoding: 'utf8' }).split('\n').filter(Boolean);
}

describe('completion in bash', () => {
  it('offers commands, those below a command, and options', () => {
    expect(offered('sluice ')).toEqual(expect.arrayContaining(['start', 'status', 'accounts', 'watch', '--help']));
    expect(offered('sluice st')).toEqual(['start', 'status', 'state']);
    expect(offered('sluice accounts s')).toEqual(expect.arrayContaining(['show', 'status']));
    expect(offered('sluice accounts show --j')).toEqual(['--json']);
    expect(offered('sluice start network --acc')).toEqual(['--account']);
  });

  it('offers the choices of an option', () => {
    expect(offered('sluice start network --if-running ')).toEqual(['attach', 'refuse', 'queue']);
    expect(offered('sluice start network --priority inter')).toEqual(['interactive']);
    expect(offered('sluice reports --kind ')).toEqual(['sync', 'action', 'saga']);
    expect(offered('sluice alerts list --kind st')).toEqual(['stale']);
    expect(offered('sluice runs -s inc')).toEqual(['incomplete']);
    expect(offered('sluice accounts list --status need')).toEqual(['needs_reconnect']);
  });

  it('offers the options of what a command does by itself', () => {
    expect(offered('sluice alerts --ki')).toEqual(['--kind']);
    expect(offered('sluice limits --kind learn')).toEqual(['learned']);
  });

  it('does not take the value of an option for a command', () => {
    expect(offered('sluice start accounts sh')).toEqual([]);
  });
});

describe('completion in other shells', () => {
  it('is the same script in zsh, and lines of its own in fish', () => {
    expect(completionScript(createProgram(), 'zsh')).toContain(script);
    const fish = completionScript(createProgram(), 'fish');
    expect(fish).toMatch(/^complete -c sluice -n 'not __fish_seen_subcommand_from .*' -f -a start -d '/m);
    expect(fish).toMatch(/seen_subcommand_from start' -l if-running -x -a 'attach refuse queue'/);
  });
});
