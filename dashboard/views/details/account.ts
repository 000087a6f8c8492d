/** One account, for the person who asks why it has no news: token, waits, last good run of each sync, reports, open actions. */
import type { AccountDetails, AccountSync, TokenState } from '../../../client/index.ts';
import { liveToken, NO_CREDENTIALS, NO_TOKEN } from '../../../contracts/account.ts';
import { duration } from '../../../contracts/values/duration.ts';
import { accountOffers } from '../../acts/offers/account-offers.ts';
import { safeAddress } from '../../connect-address.ts';
import { html, verbatim, type Html } from '../../html.ts';
import { alertTable } from '../../parts/tables/alert-table.ts';
import { count } from '../../parts/count.ts';
import { facts } from '../../parts/facts.ts';
import { reportTable } from '../../parts/tables/report-table.ts';
import { runTable } from '../../parts/tables/run-table.ts';
import { stateBadge } from '../../parts/state.ts';
import { table } from '../../parts/table.ts';
import { exact, when } from '../../parts/when.ts';
import type { RenderView, ViewContext } from '../../view.ts';

const SHOWN = 10;

export const accountView: RenderView = async (context, { account = '' }) => {
  const { sluice, link } = context;
  const [details, runs, pending, ended, alerts] = await Promise.all([
    sluice.accounts.show({ account }),
    sluice.runs.list({ account, limit: SHOWN }),
    sluice.reports.list({ account, status: 'pending', order: 'newest', limit: SHOWN }),
    sluice.reports.list({ account, order: 'newest', limit: SHOWN }),
    sluice.alerts.list({ account, limit: SHOWN }),
  ]);
  if (details.length + runs.length + ended.length === 0) return undefined;
  const actions = pending.filter(({ kind }) => kind !== 'sync');
  return {
    title: `Account ${account}`,
    regions: [
      ...details.map((each) => ({ id: `at-${each.provider}`, content: providerOf(context, each) })),
      {
        id: 'alerts',
        content: html`<h2>Alerts</h2>
          ${alertTable('Open alerts about it', alerts, context)}`,
      },
      {
        id: 'actions',
        content: html`<h2>Open actions</h2>
          ${reportTable('Actions and sagas that have not ended', actions, context)}`,
      },
      {
        id: 'runs',
        content: html`<h2>Runs</h2>
          ${runTable('Its newest runs', runs, context)}
          <p><a href="${link(['runs'], { account })}">All runs of ${account}</a></p>`,
      },
      {
        id: 'reports',
        content: html`<h2>Reports</h2>
          ${reportTable('Its newest reports', ended, context)}
          <p><a href="${link(['reports'], { account })}">All reports of ${account}</a></p>`,
      },
    ],
  };
};

function providerOf(context: ViewContext, details: AccountDetails): Html {
  const { link, now, connectUrl } = context;
  const { provider, account, tenant, status, reason, since, keys, waits, scheduled } = details;
  const token = liveToken(details);
  const address = safeAddress(connectUrl?.({ provider, account, tenant }));
  return html`<h2>At ${provider}</h2>
    ${facts([
      ['State', stateBadge(status, status === 'none' ? 'not connected' : undefined)],
      ['Since', since !== null && html`${when(since, now)}, ${exact(since)}`],
      [
        'What to do',
        status === 'needs_reconnect' &&
          html`Its user must connect it again in your app${reason !== null && html`: ${reason}`}. Its paused syncs go on
          by themselves then.`,
      ],
      [
        'Connect again',
        address !== undefined &&
          html`<a id="connect-${provider}" href="${verbatim(address)}" rel="noreferrer">in your app</a>`,
      ],
      ['Tenant', tenant],
      ['Token', token === null ? status === 'connected' && html`none: ${NO_CREDENTIALS}` : tokenOf(token, now)],
      [
        'Not run yet',
        scheduled.length > 0 &&
          html`${scheduled.map(({ sync, nextRunAt }) => html`${sync}: next run ${when(nextRunAt, now)} `)}`,
      ],
      [
        'Waits for',
        keys.length > 0 && html`${keys.map((key) => html`<a href="${link(['limits', key])}">${key}</a> `)}`,
      ],
      [
        'Why it waits',
        waits.length > 0 &&
          html`<ul class="plain">
            ${waits.slice(0, 20).map(({ workflowId, text }) => html`<li>${workflowId}: ${text}</li>`)}
          </ul>`,
      ],
    ])}
    ${accountOffers(context, details)} ${syncsOf(context, details, account)}`;
}

function tokenOf({ state, endsAt, failures, failure, retryAt }: TokenState, now: Date): Html {
  if (state === 'none') return html`none so far: ${NO_TOKEN}`;
  const end = endsAt === null ? 'nobody said when it ends' : html`ends ${when(endsAt, now)}, ${exact(endsAt)}`;
  const refused =
    failures > 0 &&
    html`; ${count(failures)} refreshes in a row failed${failure !== null && html` (${failure})`}, tried again
    ${retryAt === null ? 'with the next call' : when(retryAt, now)}`;
  return html`${stateBadge(state)} ${end}${refused}`;
}

function syncsOf({ link, now, visitor }: ViewContext, { syncs }: AccountDetails, account: string): Html {
  return table(
    `Syncs of ${account}`,
    syncs,
    [
      { name: 'Sync', cell: ({ sync, runId }) => html`<a href="${link(['runs', runId])}">${sync}</a>` },
      { name: 'Newest run', cell: ({ state }) => stateBadge(state) },
      { name: 'Started', cell: ({ startedAt }) => when(startedAt, now) },
      { name: 'Last good run', cell: goodOf },
      { name: 'Next run', cell: ({ nextRunAt }) => when(nextRunAt, now, 'no schedule') },
      { name: 'Flaws', cell: ({ flaws }) => count(flaws), isNumber: true },
      { name: 'In quarantine', cell: ({ quarantined }) => count(quarantined), isNumber: true },
      {
        name: 'Start',
        cell: ({ sync, runId, endedAt }) =>
          visitor.role === 'operate' && endedAt !== null
            ? html`<a id="start-${sync}" class="button" href="${link(['do', 'start-again'], { run: runId })}"
                >Start again<span class="unseen"> ${sync}</span> …</a
              >`
            : '',
      },
    ],
    'No sync was ever run for it.',
  );

  function goodOf({ lastGood, ageMs }: AccountSync): Html {
    if (lastGood === null) return html`<span class="dim">never</span>`;
    return html`<a href="${link(['runs', lastGood.runId])}">${when(lastGood.endedAt, now)}</a>${
        ageMs !== null && html` <span class="dim">(${duration(Math.floor(ageMs / 60_000) * 60_000)} old)</span>`
      }`;
  }
}
