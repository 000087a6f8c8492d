/** Lists of a run that were not read to their end, every key of them, a page at a time. */
import type { FlawedList, RunProgress } from '../../../client/index.ts';
import { html, type Html } from '../../html.ts';
import type { ViewContext } from '../../view.ts';
import { count } from '../count.ts';
import { stateBadge } from '../state.ts';
import { table } from '../table.ts';

const PAGE = 50;

export async function flawTable({ sluice, link, query }: ViewContext, progress: RunProgress): Promise<Html> {
  const { runId, nodes } = progress;
  const all = nodes.reduce((sum, { flawed }) => sum + flawed, 0);
  if (all === 0) return html``;
  const after = query.get('flaws') || undefined;
  const found: FlawedList[] = [];
  for await (const list of sluice.flawedLists(runId, after === undefined ? {} : { after })) {
    found.push(list);
    if (found.length > PAGE) break;
  }
  const shown = found.slice(0, PAGE);
  const next = found.length > PAGE ? shown.at(-1)?.place : undefined;
  return html`<h2>Flaws</h2>
    ${table(
      `Lists that were not read to their end: ${count(all)} so far`,
      shown,
      [
        {
          name: 'Key',
          cell: ({ key, part, lane }) => [key || 'the whole list', part, lane].filter(Boolean).join(' · '),
        },
        { name: 'Node', cell: ({ node }) => node },
        { name: 'How', cell: ({ kind }) => stateBadge(kind) },
        { name: 'Why', cell: ({ reason }) => reason, isWide: true },
        { name: 'Pages', cell: ({ pages }) => count(pages), isNumber: true },
        { name: 'Rows', cell: ({ rows }) => count(rows), isNumber: true },
        { name: 'Calls', cell: ({ calls }) => count(calls), isNumber: true },
      ],
      'No more.',
    )}
    <nav class="acts" aria-label="Pages of flaws">
      ${after !== undefined && html`<a class="button" href="${link(['runs', runId])}">First flaws</a>`}
      ${next !== undefined && html`<a class="button" rel="next" href="${link(['runs', runId], { flaws: next })}">More flaws</a>`}
    </nav>`;
}
