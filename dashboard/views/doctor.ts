/** What is wrong with servers, workers, queues and keys, and what to do: `sluice doctor` on a page. Asked once when it is loaded. */
import type { Finding } from '../../client/index.ts';
import { html } from '../html.ts';
import { stateBadge } from '../parts/state.ts';
import { table } from '../parts/table.ts';
import type { RenderView } from '../view.ts';

const ORDER: Readonly<Record<Finding['status'], number>> = { wrong: 0, unknown: 1, advice: 2, ok: 3 };

export const doctorView: RenderView = async ({ diagnose }) => {
  const findings = await diagnose?.();
  if (findings === undefined) return undefined;
  const sorted = findings.toSorted((a, b) => ORDER[a.status] - ORDER[b.status]);
  return {
    title: 'Doctor',
    regions: [
      {
        id: 'findings',
        content: html`${table('What was looked at, what is wrong first', sorted, [
            { name: 'Looked at', cell: ({ check }) => check.replaceAll('-', ' ') },
            { name: 'Verdict', cell: ({ status }) => stateBadge(status) },
            { name: 'Found', cell: ({ found }) => found, isWide: true },
            { name: 'Wanted', cell: ({ wanted }) => wanted, isWide: true },
            { name: 'To do', cell: ({ todo }) => todo ?? '', isWide: true },
          ])}
          <p class="dim">Load the page again to look again.</p>`,
      },
    ],
  };
};
