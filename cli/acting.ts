/**
 * Who acts on this command line, and why: options of every command that changes something. Used by `cli/commands`; the audit keeps it.
 */
import { userInfo } from 'node:os';
import { Option, type Command } from 'commander';
import { jsonOption } from './options.ts';
import { actorName } from './values.ts';
import type { Actor } from '../contracts/operate/audit.ts';
import type { StartedBy } from '../contracts/report.ts';

export interface ActingOptions {
  readonly by?: StartedBy;
  readonly why?: string;
  /** What was done, as JSON. */
  readonly json?: boolean;
}

/** Every command that changes something goes through here. */
export function acting(command: Command): Command {
  return command
    .addOption(
      new Option('--by <who>', '`user:<id>` or `system`, for the audit; default: the user of this machine').argParser(
        actorName,
      ),
    )
    .addOption(new Option('--why <text>', 'the reason, for the audit'))
    .addOption(jsonOption());
}

export function actorOf({ by, why }: ActingOptions = {}): Actor {
  return { by: by ?? `user:${osUser()}`, via: 'cli', ...(why === undefined ? {} : { why }) };
}

function osUser(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run under a number that no user has.
    return String(process.getuid?.() ?? 'unknown');
  }
}
