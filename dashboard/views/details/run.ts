/** One run: its tree as it moves, why it waits, its flaws, and what can be done. Next: `dashboard/acts/offers/run-offers.ts`. */
import type { NodeProgress, RunExplanation, RunProgress, Sluice } from '../../../client/index.ts';
import { html, type Html } from '../../html.ts';
import { count } from '../../parts/count.ts';
import { facts } from '../../parts/facts.ts';
import { flawTable } from '../../parts/tables/flaw-table.ts';
import { runState } from '../../parts/tables/run-table.ts';
import { stateBadge } from '../../parts/state.ts';
import { table } from '../../parts/table.ts';
import { exact, took, when } from '../../parts/when.ts';
import { runOffers } from '../../acts/offers/run-offers.ts';
import type { RenderView, ViewContext } from '../../view.ts';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export const runView: RenderView = async (context, { run = '' }) => {
  const { sluice } = context;
  if (!UUID.test(run)) return undefined;
  const progress = await sluice.progress(run);
  if (progress === undefined) return undefined;
  const isOpen = progress.state === 'running' || progress.state === 'paused';
  const [newest, explanation, flaws] = await Promise.all([
    newestOf(sluice, progress),
    isOpen ? explain(sluice, progress) : undefined,
    flawTable(context, progress),
  ]);
  return {
    title: `${progress.sync} of ${progress.account}`,
    regions: [
      { id: 'run', content: headOf(context, progress, newest) },
      { id: 'acts', content: html`${newest === undefined && runOffers(context, progress)}` },
      { id: 'tree', content: treeOf(progress) },
      { id: 'waits', content: html`${isOpen && waitsOf(context, explanation)}` },
      { id: 'flaws', content: flaws },
    ],
  };
};

/** @returns the newer run of the same sync and account, where there is one: what can be done is done to that one. */
async function newestOf(sluice: Sluice, { sync, account, runId }: RunProgress): Promise<string | undefined> {
  const [newest] = await sluice.runs.list({ sync, account, limit: 1 });
  return newest === undefined || newest.runId === runId ? undefined : newest.runId;
}

/** Temporal may be away; what Postgres knows is shown all the same. */
async function explain(sluice: Sluice, { workflowId }: RunProgress): Promise<RunExplanation | string | undefined> {
  return sluice
    .run({ workflowId })
    .explain()
    .catch((error: unknown) => `Why it waits can't be told now: ${error instanceof Error ? error.message : 'unknown'}`);
}

function headOf(context: ViewContext, progress: RunProgress, newest: string | undefined): Html {
  const { link, now, webUiUrl, namespace } = context;
  const {
    runId,
    workflowId,
    provider,
    sync,
    account,
    state,
    pausedBy,
    pausedReason,
    startedAt,
    endedAt,
    error,
    fleet,
  } = progress;
  const temporal =
    webUiUrl === undefined
      ? undefined
      : `${webUiUrl.replace(/\/+$/, '')}/namespaces/${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(fleet ?? workflowId)}`;
  return facts([
    ['State', runState({ state, pausedBy: pausedBy ?? null })],
    ['Why', pausedReason ?? (pausedBy === 'operator' ? 'an operator has paused it' : undefined)],
    ['Error', error],
    [
      'Account',
      html`<a href="${link(['accounts', account])}">${account}</a>${provider !== '' && html` at ${provider}`}`,
    ],
    ['Started', html`${when(startedAt, now)}, ${exact(startedAt)}`],
    ['Ended', endedAt !== null && html`${when(endedAt, now)}, ${exact(endedAt)}; it took ${took(startedAt, endedAt)}`],
    ['Newer run', newest && html`<a href="${link(['runs', newest])}">there is a newer one</a>, which can be acted on`],
    [
      'Workflow',
      html`${workflowId}${fleet !== undefined && `, carried out by ${fleet}`}${temporal !== undefined && html` · <a href="${temporal}" rel="noreferrer">in Temporal’s Web UI</a>`}`,
    ],
    ['Run id', runId],
    ['All its runs', html`<a href="${link(['runs'], { sync, account })}">${sync} of ${account}</a>`],
  ]);
}

function treeOf({ nodes }: RunProgress): Html {
  return html`<h2>Tree</h2>
    ${table(
      'What it reads, each below what it belongs to',
      nodes,
      [
        { name: 'Node', cell: ({ name, parent }) => html`${'\u2003'.repeat(depthOf(nodes, parent))}${name}` },
        { name: 'State', cell: ({ state }) => stateBadge(state) },
        { name: 'Lists', cell: listsOf },
        { name: 'Waiting', cell: ({ units }) => count(units.waiting), isNumber: true },
        { name: 'In hand', cell: ({ units }) => count(units.running), isNumber: true },
        { name: 'Failed', cell: ({ units }) => count(units.failed), isNumber: true },
        { name: 'Flaws', cell: ({ flawed }) => count(flawed), isNumber: true },
        { name: 'Pages', cell: ({ pages }) => count(pages), isNumber: true },
        { name: 'Rows', cell: ({ rows }) => count(rows), isNumber: true },
        { name: 'Calls', cell: ({ calls }) => count(calls), isNumber: true },
      ],
      'It has not begun.',
    )}`;
}

function depthOf(nodes: readonly NodeProgress[], parent: string | null): number {
  let depth = 0;
  for (let name = parent; name !== null && depth < 10; depth++)
    name = nodes.find((node) => node.name === name)?.parent ?? null;
  return depth;
}

function listsOf({ name, units }: NodeProgress): Html {
  const ended = units.done + units.failed + units.skipped;
  const all = ended + units.waiting + units.running;
  return html`<progress
      value="${ended}"
      max="${Math.max(1, all)}"
      aria-label="lists of ${name} that have ended"
    ></progress>
    ${count(ended)} of ${count(all)}`;
}

function waitsOf({ link }: ViewContext, explanation: RunExplanation | string | undefined): Html {
  if (typeof explanation === 'string')
    return html`<h2>Why it waits</h2>
      <p>${explanation}</p>`;
  const { text = [], limits = [] } = explanation ?? {};
  return html`<h2>Why it waits</h2>
    ${
      text.length === 0
        ? html`<p class="dim">Nothing waits.</p>`
        : html`<ul class="plain">
            ${text.slice(0, 50).map((line) => html`<li>${line}</li>`)}
          </ul>`
    }
    ${
      limits.length > 0 &&
      html`<p>Limits: ${limits.slice(0, 20).map(({ key }) => html`<a href="${link(['limits', key])}">${key}</a> `)}</p>`
    }`;
}
