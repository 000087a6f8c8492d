/**
 * `sluice limits …`: every key with its limit, learned rate, use and who waits; pause, resume, override, forget.
 * Needs the database only. Next: `limiter/admin/operations.ts`.
 */
import type { Command } from 'commander';
import { duration } from '../../../contracts/values/duration.ts';
import type { Limits } from '../../../client/index.ts';
import type { ListFilter } from '../../../limiter/index.ts';
import { acting, actorOf, type ActingOptions } from '../../acting.ts';
import { afterOption, jsonOption, kindOption, limitOption, statusOption } from '../../options.ts';
import { tell } from '../../tell.ts';
import { sayMore } from '../../text/more.ts';
import { numberAboveZero, numberFrom } from '../../values.ts';
import { nearName } from '../../../contracts/operate/near-name.ts';
import { counted } from '../../../contracts/limits/limit-words.ts';

/** More than any third party allows. */
const MOST = 1_000_000_000;
/** Keys that a misspelt one is held against. */
const MOST_COMPARED = 1_000;
/** Of the calls that wait. */
const MOST_WAITING = 10;

export function registerLimits(program: Command): void {
  const limits = program.command('limits').description('inspect and control the limits of third parties');
  limits
    .command('list', { isDefault: true })
    .description('every key: limit or learned rate, used, blocked until, who waits')
    .option('--prefix <prefix>', 'keys that begin with this, e.g. social/')
    .addOption(statusOption(['paused', 'blocked', 'waiting']))
    .addOption(kindOption(['window', 'inflight', 'learned']))
    .addOption(afterOption())
    .addOption(limitOption(100))
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  npx sluice limits --prefix social/ --status blocked')
    .action(list);
  limits
    .command('show <key>')
    .description(
      'one key with its queue, its events and the history of its learned rate; exit code 1 when it is unknown',
    )
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  npx sluice limits show social/app-hour/app')
    .action(show);
  acting(limits.command('pause <key>'))
    .description(
      'stop granting permits; queued calls keep their position. `social/*` pauses a whole provider; `--why` is shown with the key',
    )
    .addHelpText('after', "\nExample:\n  npx sluice limits pause 'social/*' --why 'their status page is red'")
    .option('--new-key', 'also when nothing of that name was ever called, and another name is much like it')
    .action((key: string, options: ActingOptions & { readonly newKey?: boolean }) =>
      withLimits(async (of) => {
        const isKnown = await hasKeys(of, key);
        const meant = isKnown || options.newKey ? undefined : await meantKey(of, key);
        if (meant !== undefined)
          throw new Error(
            `${key}: nothing of that name was ever called; did you mean ${meant}? Nothing was paused. To pause it before its first call, say so by --new-key.`,
          );
        const keys = await of.pause(key, options.why ?? 'paused by an operator');
        await say(
          of,
          key,
          isKnown ? 'paused' : 'paused; nothing of that name was ever called: see `npx sluice limits`',
          keys,
          options,
        );
      }, options),
    );
  acting(limits.command('resume <key>'))
    .description('end a pause, and free what an answer had blocked')
    .addHelpText('after', "\nExample:\n  npx sluice limits resume 'social/*'")
    .action(resume);
  acting(limits.command('override <key>'))
    .description('put other numbers in force; without --max and --rate the declared or learned ones again')
    .option('--max <units>', 'units per window, or calls in flight; 0 stops all calls', numberFrom(0, MOST))
    .option('--rate <per-second>', 'calls per second, given out evenly; 0 stops all calls', numberFrom(0, MOST))
    .option('--minutes <count>', 'how long they hold; default: until they are taken back', numberAboveZero)
    .addHelpText('after', '\nExample:\n  npx sluice limits override social/app-hour/app --max 2000 --minutes 60')
    .action(override);
  acting(limits.command('forget <key>'))
    .description('forget what a key used and learned; a window in use may be exceeded after it')
    .addHelpText('after', '\nExample:\n  npx sluice limits forget social/token/acct_42/friends')
    .action((key: string, options: ActingOptions) =>
      withLimits(async (of) => say(of, key, 'forgotten', Number(await of.forget(key)), options), options),
    );
}

const resume = (key: string, options: ActingOptions) =>
  withLimits(async (limits) => {
    const changed = await limits.resume(key);
    if (changed > 0 || !(await hasKeys(limits, key))) return say(limits, key, 'resumed', changed, options);
    tell(options, { key, keys: 0 }, `${key}: nothing to resume, no pause and no answer holds it back`);
  }, options);

/** The key, or any that a pattern stands for. */
async function hasKeys(limits: Limits, key: string): Promise<boolean> {
  return (await limits.list({ prefix: key.replace(/\*$/, ''), limit: 1 })).length > 0;
}

/** A key, or a pattern, that is much like one that was never used: its provider is misspelt, or what follows it. */
async function meantKey(limits: Limits, key: string): Promise<string | undefined> {
  const [provider = '', ...rest] = key.split('/');
  const near = await limits.list({ prefix: `${provider}/`, limit: MOST_COMPARED });
  if (near.length > 0) return nearName(key, near.map((each) => each.key)); // prettier-ignore
  const known = await limits.list({ limit: MOST_COMPARED });
  const meant = nearName(provider, new Set(known.map((each) => each.key.split('/')[0] ?? '')));
  return meant === undefined ? undefined : [meant, ...rest].join('/');
}

interface ListOptions extends Omit<ListFilter, 'state'> {
  readonly limit: number;
  readonly status?: NonNullable<ListFilter['state']>;
  readonly json?: boolean;
}

const list = ({ json, status, ...filter }: ListOptions) =>
  withLimits(async (limits) => {
    const found = await limits.list({ ...filter, ...(status === undefined ? {} : { state: status }) });
    const { prefix, kind } = filter;
    const meant = found.length === 0 && prefix !== undefined && !(await hasKeys(limits, prefix)) ? await meantKey(limits, prefix) : undefined; // prettier-ignore
    if (meant !== undefined) {
      console.error(`No key begins with ${prefix}; did you mean ${meant}?`);
      process.exitCode = 1;
    }
    if (json) return console.log(JSON.stringify(found));
    const isPart = prefix !== undefined || kind !== undefined || status !== undefined;
    if (found.length === 0)
      return console.log(isPart ? 'No limit is so.' : 'No limits yet: a key appears with its first call.');
    const width = Math.max(...found.map(({ key }) => key.length));
    for (const { key, state, waiting, text } of found) {
      console.log(`${key.padEnd(width)}  ${state.padEnd(10)}  ${String(waiting).padStart(5)} waiting  ${text}`);
    }
    sayMore(found, filter.limit, found.at(-1)?.key);
  });

const show = (key: string, { json }: { readonly json?: boolean }) =>
  withLimits(async (limits) => {
    const found = await limits.show(key);
    if (!found) process.exitCode = 1;
    if (json) return console.log(JSON.stringify(found ?? null));
    if (!found) return say(limits, key, 'shown', 0, { json });
    const { state, text, waiting, events, queue, rateHistory } = found;
    console.log(`${key}  ${state}\n  ${text}`);
    for (const { workflowId, account, text: what, etaMs, bounces } of queue.slice(0, MOST_WAITING))
      console.log(
        `    ${workflowId ?? account}  ${what}  in about ${duration(etaMs)}, asked ${counted(bounces + 1, 'time')}`,
      );
    if (waiting > MOST_WAITING) console.log(`    and ${waiting - MOST_WAITING} more`);
    if (rateHistory.length > 0) console.log('  learned rate:');
    for (const { at, ratePerSecond } of rateHistory.slice(-20)) console.log(`    ${at}  ${ratePerSecond.toFixed(3)}/s`);
    if (events.length > 0) console.log('  what happened:');
    for (const { at, type, detail } of events.slice(0, 20))
      console.log(`    ${at}  ${type}  ${JSON.stringify(detail)}`);
  });

const override = (
  key: string,
  numbers: ActingOptions & { readonly max?: number; readonly rate?: number; readonly minutes?: number },
) =>
  withLimits(async (limits) => {
    const { max, rate, minutes } = numbers;
    const done = await limits.override(key, {
      ...(max === undefined ? {} : { max }),
      ...(rate === undefined ? {} : { ratePerSecond: rate }),
      ...(minutes === undefined ? {} : { forMs: minutes * 60_000 }),
    });
    await say(
      limits,
      key,
      max === undefined && rate === undefined ? 'back to what is declared or learned' : 'overridden',
      Number(done),
      numbers,
    );
  }, numbers);

async function say(
  limits: Limits,
  key: string,
  done: string,
  keys: number,
  options: { readonly json?: boolean | undefined },
): Promise<void> {
  const meant = keys > 0 ? undefined : await meantKey(limits, key);
  const hint = meant === undefined ? '`npx sluice limits` lists them' : `did you mean ${meant}?`;
  const text = keys > 0 ? `${done}${keys > 1 ? ` (${keys} keys)` : ''}` : `no such key; ${hint}`;
  tell(options, { key, done: keys > 0 ? done : null, keys }, `${key}: ${text}`);
  if (keys === 0) process.exitCode = 1;
}

async function withLimits(work: (limits: Limits) => Promise<void>, options?: ActingOptions): Promise<void> {
  const [{ createPool }, { auditedLimits }, { databaseUrl }] = await Promise.all([
    import('../../../db/index.ts'),
    import('../../../client/audit/audited-client.ts'),
    import('../../database-url.ts'),
  ]);
  const pool = createPool(await databaseUrl(), { max: 2, applicationName: 'sluice-limits' });
  try {
    await work(auditedLimits({ pool, actor: actorOf(options) }));
  } finally {
    await pool.end();
  }
}
