/**
 * `sluice status <id>`: a run by its workflow id or run id, an action, or a saga. Next: `client/sync/sync-handle.ts`,
 * `client/action/action-handle.ts`.
 */
import { Option, type Command } from 'commander';
import type { Flaw, Sluice } from '../../../client/index.ts';
import { FLAW_KINDS } from '../../../contracts/run.ts';
import { tellUnknownId } from '../../known-names.ts';
import { afterOption, jsonOption, kindOption, unlimitedOption } from '../../options.ts';
import { flawedListLine } from '../../text/flawed-list.ts';
import { actionText, sagaText } from '../../text/operation.ts';
import { moreText } from '../../text/more.ts';
import { progressText } from '../../text/progress.ts';
import { progressOf, runScreen } from '../../text/run-screen.ts';
import { withClient } from '../../with-client.ts';

interface StatusOptions extends FlawOptions {
  readonly json?: boolean;
  readonly flaws?: boolean;
}

interface FlawOptions {
  readonly node?: string;
  readonly kind?: Flaw['kind'];
  readonly after?: string;
  readonly limit: number;
}

export function registerStatus(program: Command): void {
  program
    .command('status <id>')
    .description('how a run, an action or a saga stands and what it waits for, by workflow id; a run also by run id')
    .addOption(jsonOption())
    .option('--flaws', 'instead: every list of a run that was not read to its end, one a line')
    .addOption(new Option('--node <name>', 'with --flaws: of this node only').implies({ flaws: true }))
    .addOption(kindOption(FLAW_KINDS).implies({ flaws: true }))
    .addOption(afterOption().implies({ flaws: true }))
    .addOption(unlimitedOption().implies({ flaws: true }))
    .addHelpText(
      'after',
      '\nExamples:\n  npx sluice status sync/network/acct_42\n  npx sluice status sync/network/acct_42 --flaws --kind failed\n  npx sluice status action/social/create-post/acct_42/form-7',
    )
    .action((id: string, options: StatusOptions) =>
      withClient((sluice) => {
        if (options.flaws && /^(?:action|saga)\//.test(id))
          throw new Error(`--flaws, --node, --kind, --after and --limit are for runs; ${id} is none.`);
        if (id.startsWith('action/')) return showAction(sluice, id, options);
        if (id.startsWith('saga/')) return showSaga(sluice, id, options);
        return options.flaws ? showFlaws(sluice, id, options) : showRun(sluice, id, options);
      }),
    );
}

async function showRun(sluice: Sluice, run: string, { json }: StatusOptions): Promise<void> {
  const { progress, waits, flaws, feed, text } = await runScreen(sluice, run);
  console.log(json ? JSON.stringify({ ...progress, waits, flaws, ...(feed ? { feed } : {}) }) : text);
  if (progress.state === 'unknown') await tellUnknownId(sluice, run);
}

/** One at a time, so that a million of them need no memory; JSON is an array all the same. */
async function showFlaws(sluice: Sluice, run: string, { json, limit, ...filter }: StatusOptions): Promise<void> {
  const progress = await progressOf(sluice, run);
  if (!('runId' in progress)) {
    console.log(json ? '[]' : `${run}  ${progressText(progress)}`);
    if (progress.state === 'unknown') await tellUnknownId(sluice, run);
    return;
  }
  const { node, kind, after } = filter;
  const names = progress.nodes.map(({ name }) => name);
  if (node !== undefined && !names.includes(node))
    throw new Error(
      `There is no node "${node}" in ${run}; there ${names.length === 1 ? 'is' : 'are'} ${names.join(', ')}.`,
    );
  const wanted = {
    ...(node === undefined ? {} : { node }),
    ...(kind === undefined ? {} : { kind }),
    ...(after === undefined ? {} : { after }),
  };
  let count = 0;
  let last = '';
  let hasMore = false;
  for await (const list of sluice.flawedLists(progress.runId, wanted)) {
    hasMore = count === limit;
    if (hasMore) break;
    if (json) process.stdout.write(`${count === 0 ? '[' : ',\n'}${JSON.stringify(list)}`);
    else console.log(flawedListLine(list));
    count++;
    last = list.place;
  }
  if (json) console.log(count === 0 ? '[]' : ']');
  else if (count === 0) console.log('No flaws: every list that has ended was read to its end.');
  else if (hasMore) console.log(moreText([last], 1, last));
}

export async function showAction(
  sluice: Sluice,
  workflowId: string,
  { json }: Pick<StatusOptions, 'json'>,
): Promise<void> {
  const action = sluice.action({ workflowId });
  const [status, [report], waits] = await Promise.all([
    action.status(),
    sluice.reports.list({ workflowId, order: 'newest', limit: 1 }),
    action.waits(),
  ]);
  if (json) console.log(JSON.stringify({ workflowId, ...(status ?? { state: 'unknown' }), report, waits }));
  else console.log(actionText(workflowId, status, report, waits));
  if (!status) await tellUnknownId(sluice, workflowId);
}

export async function showSaga(
  sluice: Sluice,
  workflowId: string,
  options: Pick<StatusOptions, 'json'>,
): Promise<void> {
  const saga = sluice.sagaOf({ workflowId });
  const [report, steps, waits] = await Promise.all([saga.status(), saga.steps(), saga.waits()]);
  // A step's workflow id begins with its saga's.
  if (!report || report.kind === 'action') return showAction(sluice, workflowId, options);
  if (options.json) console.log(JSON.stringify({ workflowId, report, steps, waits }));
  else console.log(sagaText(workflowId, report, steps, waits));
}
