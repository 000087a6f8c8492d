/**
 * `sluice completion <shell>`: a script that completes commands, options and their choices. It is made from the commands themselves, so
 * that it knows all of them, and starts nothing while somebody types.
 */
import { Argument, type Command, type Option } from 'commander';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

export function registerCompletion(program: Command): void {
  program
    .command('completion')
    .description('print a script that completes commands and options on TAB')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .addHelpText(
      'after',
      '\nExamples:\n  echo \'eval "$(npx sluice completion bash)"\' >> ~/.bashrc\n  npx sluice completion fish > ~/.config/fish/completions/sluice.fish',
    )
    .action((shell: Shell) => console.log(completionScript(program, shell)));
}

interface Level {
  /** `accounts show`; empty for the program itself. */
  readonly path: string;
  readonly commands: readonly Command[];
  readonly options: readonly Option[];
}

export function completionScript(program: Command, shell: Shell): string {
  const levels = levelsOf(program, '');
  if (shell === 'fish') return fish(levels);
  return shell === 'zsh' ? `autoload -U +X bashcompinit && bashcompinit\n${bash(levels)}` : bash(levels);
}

function levelsOf(command: Command, path: string): Level[] {
  const { commands } = command;
  const below = commands.flatMap((each) => levelsOf(each, `${path} ${each.name()}`.trim()));
  const options = [command, ...byDefault(command)].flatMap((each) => each.options.filter(({ hidden }) => !hidden));
  return [{ path, commands, options }, ...below];
}

/** `alerts` alone is `alerts list`, with its options. Commander tells nobody. */
function byDefault(command: Command): readonly Command[] {
  const { _defaultCommandName: name } = command as unknown as { readonly _defaultCommandName?: string | null };
  return command.commands.filter((each) => each.name() === name);
}

const namesOf = (option: Option): string[] => [option.short, option.long].filter((name) => name != null);

/**
 * The longest path of commands that stands in the line says what may follow; an option with choices before the word goes first. The same
 * option may have others at another command.
 */
function bash(levels: readonly Level[]): string {
  const choices = levels.flatMap(({ path, options }) =>
    options.flatMap((option) =>
      option.argChoices
        ? [`    ${namesOf(option).map((name) => `'${path} ${name}'`).join('|')}) COMPREPLY=($(compgen -W '${option.argChoices.join(' ')}' -- "$cur")); return ;;`] // prettier-ignore
        : [],
    ),
  );
  const words = levels.map(({ path, commands, options }) => {
    const all = [...commands.map((command) => command.name()), ...options.flatMap(namesOf), '--help'];
    return `    '${path}') words='${all.join(' ')}' ;;`;
  });
  return `_sluice() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" path='' words='' word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${path:+$path }$word" in
      ${levels
        .map(({ path }) => `'${path}'`)
        .filter((path) => path !== "''")
        .join('|')}) path="\${path:+$path }$word" ;;
    esac
  done
  case "$path $prev" in
${choices.join('\n')}
  esac
  case "$path" in
${words.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _sluice sluice`;
}

function fish(levels: readonly Level[]): string {
  const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  return levels
    .flatMap(({ path, commands, options }) => {
      const seen = path
        .split(' ')
        .filter(Boolean)
        .map((word) => `__fish_seen_subcommand_from ${word}`);
      const none =
        commands.length > 0 ? [`not __fish_seen_subcommand_from ${commands.map((each) => each.name()).join(' ')}`] : [];
      const when = [...seen, ...none].join('; and ') || 'true';
      const start = `complete -c sluice -n ${quoted(when)}`;
      return [
        ...commands.map((each) => `${start} -f -a ${each.name()} -d ${quoted(each.description())}`),
        ...options.map(({ short, long, description, argChoices }) =>
          [
            start,
            ...(short ? [`-s ${short.slice(1)}`] : []),
            ...(long ? [`-l ${long.slice(2)}`] : []),
            ...(argChoices ? [`-x -a ${quoted(argChoices.join(' '))}`] : []),
            `-d ${quoted(description)}`,
          ].join(' '),
        ),
      ];
    })
    .join('\n');
}
