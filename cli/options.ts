/**
 * The options that commands share. A short letter belongs to one option: it means the same wherever it is. What only one command
 * has is long only. Used by `cli/commands`.
 */
import { Argument, Option } from 'commander';
import { jsonValue, wholeNumber } from './values.ts';

export const accountOption = (): Option => new Option('-a, --account <name>', 'whose connection');
export const tenantOption = (): Option => new Option('-t, --tenant <name>', 'who owns the account');
export const providerOption = (): Option => new Option('--provider <id>', 'of this third party');
export const jsonOption = (): Option => new Option('--json', 'as JSON');
export const inputOption = (): Option =>
  new Option('-i, --input <json>', 'input, checked by its schema')
    .argParser(jsonValue('{"userId":"u1"}'))
    .default({}, '{}');
/** @param end that it should have. */
export const waitOption = (end: 'complete' | 'done'): Option =>
  new Option('-w, --wait', `wait for the end; exit code 1 when it is not ${end}`).default(false);
export const priorityOption = (byDefault: 'interactive' | 'bulk'): Option =>
  new Option('--priority <priority>', 'which calls go first')
    .choices(['interactive', 'bulk', 'background'])
    .default(byDefault);
export const moduleOption = (): Option =>
  new Option('-m, --module <file>', 'module that exports your syncs (default: sluice.ts, src/sluice.ts, …)');
export const statusOption = (choices: readonly string[]): Option =>
  new Option('-s, --status <status>', 'only these').choices(choices);
export const kindOption = (choices: readonly string[]): Option =>
  new Option('-k, --kind <kind>', 'only these').choices(choices);
/** @param most that can be asked for at once. */
export const limitOption = (count: number, most = 1_000): Option =>
  new Option('-n, --limit <count>', 'at most this many').argParser(wholeNumber(1, most)).default(count);
export const unlimitedOption = (): Option =>
  new Option('-n, --limit <count>', 'at most this many').argParser(wholeNumber(1)).default(Infinity, 'all');
/** Of a command that lists, and has no others below it: where there are others, one has this name. */
export const listWord = (): Argument => new Argument('[list]', 'the same as without it').choices(['list']);
export const afterOption = (): Option => new Option('--after <place>', 'continue behind the last one seen');
/** Where places are numbers. */
export const afterNumberOption = (): Option =>
  new Option('--after <number>', 'continue behind the last one seen').argParser(wholeNumber(0));
