/**
 * Help with a command's own options first, and those that many have behind them. Used by `strict-command.ts`.
 */
import { Help, type Command, type Option } from 'commander';

/** Who acts and why, JSON, help: in this order. */
const COMMON = ['--by', '--why', '--json', '--help'];

export class PlainHelp extends Help {
  override visibleOptions(command: Command): Option[] {
    const options = super.visibleOptions(command);
    const place = ({ long }: Option): number => COMMON.indexOf(long ?? '');
    return [...options.filter((each) => place(each) < 0), ...options.filter((each) => place(each) >= 0).sort((a, b) => place(a) - place(b))]; // prettier-ignore
  }

  /** Which one it is that a group does without a word. */
  override subcommandDescription(command: Command): string {
    // Commander tells nobody.
    const { _defaultCommandName: name } = (command.parent ?? {}) as { readonly _defaultCommandName?: string | null };
    return `${super.subcommandDescription(command)}${command.name() === name ? ' (also without this word)' : ''}`;
  }

  /** One that must be given says so. That a switch is off, and a list empty, where they are not given goes without saying. */
  override optionDescription(option: Option): string {
    const text = super
      .optionDescription(option)
      .replace(/ ?\(default: (?:false|\[\])\)|(?<=\(.*), default: (?:false|\[\])(?=\))/, '')
      .trim();
    return option.mandatory ? `${text} (required)` : text;
  }
}
