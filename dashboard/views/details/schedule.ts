/** One schedule: in words, for whom, how its last runs went, who paused it. */
import { duration } from '../../../contracts/values/duration.ts';
import { html } from '../../html.ts';
import { actButtons } from '../../parts/act-buttons.ts';
import { auditTable } from '../../parts/tables/audit-table.ts';
import { capped, count } from '../../parts/count.ts';
import { facts } from '../../parts/facts.ts';
import { runBars } from '../../parts/run-bars.ts';
import { runTable } from '../../parts/tables/run-table.ts';
import { stateBadge } from '../../parts/state.ts';
import { exact, when } from '../../parts/when.ts';
import type { RenderView } from '../../view.ts';

const SHOWN = 20;

export const scheduleView: RenderView = async (context, { schedule: id = '' }) => {
  const { sluice, link, now } = context;
  const found = (await sluice.schedules.list()).find((each) => each.id === id);
  if (found === undefined) return undefined;
  const {
    sync,
    provider,
    taskQueue,
    pausedAt,
    pausedReason,
    accounts,
    disconnected,
    due,
    lateMs,
    nextAt,
    failed,
    lastError,
  } = found;
  const [[ended], runs, acts] = await Promise.all([
    sluice.runs.lastEnded([sync], 60),
    sluice.runs.list({ sync, limit: SHOWN }),
    sluice.audit.list({ subject: id, limit: SHOWN }),
  ]);
  return {
    title: `Schedule ${id}`,
    regions: [
      {
        id: 'schedule',
        content: html`${facts([
          ['When', found.when],
          ['State', stateBadge(pausedAt === null ? 'running' : 'paused')],
          [
            'Paused',
            pausedAt !== null && html`since ${when(pausedAt, now)}${pausedReason !== null && html`: ${pausedReason}`}`,
          ],
          ['Sync', html`<a href="${link(['runs'], { sync })}">${sync}</a> at ${provider}`],
          ['Accounts', capped(accounts)],
          [
            'Waiting to be connected again',
            disconnected > 0 &&
              html`<a href="${link(['accounts'], { status: 'needs_reconnect', provider })}">${count(disconnected)}</a>`,
          ],
          ['Next start', nextAt !== null && html`${when(nextAt, now)}, ${exact(nextAt)}`],
          ['Late', due > 0 && `${capped(due)} due, the first for ${duration(lateMs)}`],
          ['Failed starts', failed > 0 && `${capped(failed)}: ${lastError ?? ''}`],
          ['Carried out by', `workers of ${taskQueue}`],
          ['Last runs', runBars(ended?.runs ?? [])],
        ])}
        ${actButtons(
          context,
          [
            pausedAt === null
              ? { act: 'pause-schedule', words: 'Pause …' }
              : { act: 'resume-schedule', words: 'Resume …' },
          ],
          { schedule: id },
        )}`,
      },
      {
        id: 'runs',
        content: html`<h2>Runs</h2>
          ${runTable(`Runs of ${sync}, newest first`, runs, context, 'None so far.')}`,
      },
      {
        id: 'audit',
        content: html`<h2>Who changed it</h2>
          ${auditTable('Acts of operators, newest first', acts, context, 'Nobody.')}`,
      },
    ],
  };
};
