/** One action or saga: its state, its steps, why it waits, and what can be done. Inputs and outputs are rows, and not shown. */
import { actionOffers } from '../../acts/offers/action-offers.ts';
import { html } from '../../html.ts';
import { count } from '../../parts/count.ts';
import { facts } from '../../parts/facts.ts';
import { stateBadge } from '../../parts/state.ts';
import { table } from '../../parts/table.ts';
import { exact, when } from '../../parts/when.ts';
import type { RenderView } from '../../view.ts';

export const actionView: RenderView = async (context, { id = '' }) => {
  const { sluice, link, now } = context;
  const [status, steps, [report], waits] = await Promise.all([
    sluice.action({ workflowId: id }).status(),
    id.startsWith('saga/') ? sluice.sagaOf({ workflowId: id }).steps() : [],
    sluice.reports.list({ workflowId: id, order: 'newest', limit: 1 }),
    sluice
      .action({ workflowId: id })
      .waits()
      .catch(() => []),
  ]);
  if (status === undefined && report === undefined) return undefined;
  const isLeft = status?.resolvedBy === null ? status.errorType : undefined;
  return {
    title: report?.what ?? id,
    regions: [
      {
        id: 'action',
        content: html`${facts([
          ['State', stateBadge(status?.state ?? report?.status ?? 'unknown')],
          ['Report', report && html`<a href="${link(['reports', report.sequence])}">${report.status}</a>`],
          ['Account', report && html`<a href="${link(['accounts', report.account])}">${report.account}</a>`],
          [
            'Started',
            report && html`${when(report.startedAt, now)}, ${exact(report.startedAt)}, by ${report.startedBy}`,
          ],
          ['Calls', status && count(status.calls)],
          ['Error', status?.error ?? report?.error],
          ['Kind of error', status?.errorType ?? report?.errorType],
          ['Decided by', status?.resolvedBy],
          ['Idempotency key', status?.idempotencyKey],
          ['Workflow', id],
          [
            'What to do',
            (isLeft === 'unknown-write' &&
              'Nobody knows whether it happened: look at the third party, and say what is there. Nothing is sent meanwhile.') ||
              (isLeft === 'output-lost' && 'It happened: look at the third party, and say what its output is.'),
          ],
        ])}
        ${actionOffers(context, id, status, report)}`,
      },
      {
        id: 'waits',
        content: html`${
          waits.length > 0 &&
          html`<h2>Why it waits</h2>
            <ul class="plain">
              ${waits.slice(0, 20).map(({ text }) => html`<li>${text}</li>`)}
            </ul>`
        }`,
      },
      {
        id: 'steps',
        content: html`${
          steps.length > 0 &&
          html`<h2>Steps</h2>
            ${table('Steps that have begun, in order', steps, [
              {
                name: 'Step',
                cell: ({ name, workflowId, isCompensation }) =>
                  html`<a href="${link(['actions', workflowId])}">${isCompensation ? `take back ${name}` : name}</a>`,
              },
              { name: 'Action', cell: ({ action }) => action },
              { name: 'State', cell: ({ state }) => stateBadge(state) },
              { name: 'Calls', cell: ({ calls }) => count(calls), isNumber: true },
              { name: 'Error', cell: ({ error }) => error ?? '', isWide: true },
            ])}`
        }`,
      },
    ],
  };
};
