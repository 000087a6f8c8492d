/** One report: what was to be done, for whom, and how it ended. */
import { html } from '../../html.ts';
import { count } from '../../parts/count.ts';
import { facts } from '../../parts/facts.ts';
import { stateBadge } from '../../parts/state.ts';
import { exact, when } from '../../parts/when.ts';
import type { RenderView } from '../../view.ts';

export const reportView: RenderView = async ({ sluice, link, now }, { report: sequence = '' }) => {
  if (!/^\d{1,15}$/.test(sequence)) return undefined;
  const [found] = await sluice.reports.list({ after: String(Number(sequence) + 1), order: 'newest', limit: 1 });
  if (found?.sequence !== sequence) return undefined;
  const { kind, name, account, tenant, startedBy, workflowId, runId, status, what, error, errorType, traceback } =
    found;
  const about =
    kind === 'sync'
      ? runId !== null && html`<a href="${link(['runs', runId])}">its run</a>`
      : html`<a href="${link(['actions', workflowId])}">the ${kind}</a>`;
  return {
    title: `Report: ${what}`,
    regions: [
      {
        id: 'report',
        content: html`${facts([
          ['Status', stateBadge(status)],
          ['About', about],
          ['Kind', `${kind} ${name}`],
          ['Account', html`<a href="${link(['accounts', account])}">${account}</a>`],
          ['Tenant', tenant],
          ['Started by', startedBy],
          ['Started', html`${when(found.startedAt, now)}, ${exact(found.startedAt)}`],
          ['Ended', found.endedAt !== null && html`${when(found.endedAt, now)}, ${exact(found.endedAt)}`],
          ['Calls', count(found.attempts)],
          ['Error', error],
          ['Kind of error', errorType],
          ['Workflow', workflowId],
        ])}
        ${
          traceback !== null &&
          html`<h2>Where it went wrong</h2>
            <pre tabindex="0">${traceback}</pre>`
        }`,
      },
    ],
  };
};
