/**
 * A command that says all that is wrong with what was typed, in one message, and does nothing. Commander ends at its first mistake.
 * Used by `program.ts`.
 */
import {
  Command,
  InvalidArgumentError,
  type Argument,
  type ErrorOptions,
  type HelpContext,
  type Option,
} from 'commander';
import { didYouMean } from '../contracts/operate/near-name.ts';
import { meantOption } from './foreign-flags.ts';
import { PlainHelp } from './plain-help.ts';

const UNKNOWN_OPTION = 'commander.unknownOption';
const EXCESS = 'commander.excessArguments';
/** Nothing that follows can be understood without a command. */
const UNKNOWN_COMMAND = 'commander.unknownCommand';

export class StrictCommand extends Command {
  private readonly mistakes: { readonly text: string; readonly code: string | undefined }[] = [];

  /** Commands below this one are as strict. */
  override createCommand(name?: string): Command {
    return new StrictCommand(name);
  }

  override createHelp(): PlainHelp {
    return Object.assign(new PlainHelp(), this.configureHelp());
  }

  /** Kept, and said by `refuseMistakes` when the whole line was looked at. */
  override error(message: string, { code, exitCode }: ErrorOptions = {}): never {
    if (code === UNKNOWN_COMMAND) return this.end([this.unknownWord()], { code, exitCode: exitCode ?? 1 });
    this.mistakes.push({ text: message.replace(/^error: /, ''), code });
    // Commander declares that this never returns, and goes on to its next check when it does.
    return undefined as never;
  }

  /** Asked for, or shown where a command is missing: what was wrong comes first. */
  override help(context?: HelpContext | ((text: string) => string)): never {
    this.refuseMistakes();
    return super.help(context as HelpContext);
  }

  override addOption(option: Option): this {
    const { parseArg } = option;
    const takesOne = option.required && !option.variadic;
    let count = 0;
    if (option.required || option.optional)
      option.argParser((value: string | undefined, previous: unknown) => {
        if (value === undefined) return previous; // said already
        if (takesOne && ++count === 2) this.error(`option '${option.flags}' was given more than once`);
        if (this.options.some(({ short, long }) => value === short || value === long))
          this.error(`option '${option.flags}' needs a value, and was followed by the option ${value}`);
        return this.parsed(parseArg, value, previous, option);
      });
    return super.addOption(option);
  }

  override addArgument(argument: Argument): this {
    const { parseArg } = argument;
    if (parseArg)
      argument.argParser((value: string, previous: unknown) => this.parsed(parseArg, value, previous, argument));
    return super.addArgument(argument);
  }

  private parsed(
    parse: ((value: string, previous: never) => unknown) | undefined,
    value: string,
    previous: unknown,
    of: Option | Argument,
  ): unknown {
    if (!parse) return this.collected(value, previous, of);
    try {
      return parse.call(of, value, previous as never);
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      const what = 'flags' in of ? `option '${of.flags}'` : `argument <${of.name()}>`;
      this.error(`${what} was given ${JSON.stringify(value)}. ${error.message}`);
      return previous;
    }
  }

  /** As commander does where nothing parses. */
  private collected(value: string, previous: unknown, { variadic }: Option | Argument): unknown {
    return variadic ? [...(Array.isArray(previous) ? (previous as readonly unknown[]) : []), value] : value;
  }

  /** @throws CommanderError, or ends the process, when anything is wrong. Called before the work of a command begins. */
  refuseMistakes(): void {
    const all = this.mistakes.flatMap(({ text, code }) => {
      if (code === UNKNOWN_OPTION) return this.unknownOptions(text);
      if (code === EXCESS) return this.excess(text);
      return [text];
    });
    if (all.length > 0) this.end(all, { exitCode: 1, code: this.mistakes[0]?.code ?? 'commander.error' });
  }

  private end(mistakes: readonly string[], options: ErrorOptions): never {
    const [only] = mistakes;
    const said = mistakes.length === 1 ? `error: ${only}` : ['error:', ...mistakes].join('\n  - ');
    return super.error(`${said}\n\`npx ${pathOf(this)} --help\` says what there is.`, options);
  }

  private unknownWord(): string {
    const given = this.args[0] ?? '';
    return `unknown command '${given}'${didYouMean(given, this.commands.map((each) => each.name()))}`; // prettier-ignore
  }

  /** Commander names the first one only, and knows its spelling alone. */
  private unknownOptions(text: string): string[] {
    const [, first = ''] = /'(.*)'/s.exec(text) ?? [];
    const end = this.args.indexOf('--');
    const given = this.args.slice(0, end < 0 ? undefined : end).filter((each) => /^-(?:-|[a-z])/i.test(each));
    const known = this.createHelp()
      .visibleOptions(this)
      .flatMap(({ long }) => long ?? []);
    return [...new Set([first, ...given])].map((each) => {
      const meant = meantOption(each, known);
      return `unknown option '${each}'${meant === undefined ? '' : `; did you mean ${meant}?`}`;
    });
  }

  private excess(text: string): string[] {
    // What follows an unknown option may be its value.
    if (this.mistakes.some(({ code }) => code === UNKNOWN_OPTION)) return [];
    const { parent } = this;
    const siblings = parent?.parent ? parent.commands.map((each) => each.name()) : [];
    if (siblings.length === 0 || this.registeredArguments.length > 0) return [text];
    const given = this.args[0] ?? '';
    return [
      `'${given}' is no command of '${pathOf(parent)}'; there are ${siblings.join(', ')}${didYouMean(given, siblings)}`,
    ];
  }
}

function pathOf(command: Command | null): string {
  return command ? `${pathOf(command.parent)} ${command.name()}`.trim() : '';
}
