/** One limit: how it stands, who waits for it, what happened to it, and what can be done. */
import type { LimitUse } from '../../../client/index.ts';
import type { LimitDetails } from '../../../limiter/index.ts';
import { duration } from '../../../contracts/values/duration.ts';
import { counted, rateText } from '../../../contracts/limits/limit-words.ts';
import { html, type Html } from '../../html.ts';
import { actButtons } from '../../parts/act-buttons.ts';
import { auditTable } from '../../parts/tables/audit-table.ts';
import { count } from '../../parts/count.ts';
import { facts } from '../../parts/facts.ts';
import { limitGraphs, SPANS } from '../../parts/limit-graphs.ts';
import { stateBadge } from '../../parts/state.ts';
import { table } from '../../parts/table.ts';
import { exact, when } from '../../parts/when.ts';
import type { RenderView, ViewContext } from '../../view.ts';

const EVENTS = 50;
const USERS = 20;
const ACTS = 20;

export const limitView: RenderView = async (context, { key = '' }) => {
  const { sluice, link, query } = context;
  const span = SPANS.find((each) => each === query.get('span')) ?? 'hour';
  const [found, uses, acts, history] = await Promise.all([
    sluice.limits.show(key),
    sluice.limits.users(key),
    sluice.audit.list({ subject: key, limit: ACTS }),
    sluice.limits.history(key, span),
  ]);
  if (found === undefined) return undefined;
  return {
    title: `Limit ${key}`,
    regions: [
      { id: 'limit', content: standing(context, found) },
      { id: 'acts', content: actsOf(context, found) },
      { id: 'graphs', content: html`${found.kind !== 'gate' && limitGraphs(link, key, span, history)}` },
      { id: 'users', content: usersOf(uses) },
      { id: 'queue', content: queueOf(context, found) },
      {
        id: 'audit',
        content: html`<h2>Who changed it</h2>
          ${auditTable('Acts of operators, newest first', acts, context, 'Nobody.')}`,
      },
      { id: 'events', content: eventsOf(context, found) },
    ],
  };
};

function standing({ now }: ViewContext, limit: LimitDetails): Html {
  const { state, text, used, max, declaredMax, usedByOthers, ratePerSecond, isOverridden, overriddenUntil } = limit;
  const { blockedAt, blockedReason, blockedUntil, pausedAt, pausedReason, waiting, accountsWaiting } = limit;
  return html`${facts([
    ['State', stateBadge(state)],
    ['In words', text],
    [
      'Used',
      used !== undefined &&
        max !== undefined &&
        html`<meter min="0" max="${max}" value="${used}" aria-label="used">${used}</meter> ${count(used)} of
          ${count(max)}`,
    ],
    ['Declared', declaredMax],
    [
      'Used by others',
      usedByOthers !== undefined && html`${count(usedByOthers)} of it: other programs share this limit`,
    ],
    ['Rate', ratePerSecond !== undefined && rateText(ratePerSecond)],
    [
      'Overridden',
      isOverridden &&
        (overriddenUntil === undefined
          ? 'until it is taken back'
          : html`until ${when(overriddenUntil, now)}, ${exact(overriddenUntil)}`),
    ],
    [
      'Blocked',
      blockedAt !== undefined &&
        html`since
        ${when(blockedAt, now)}${blockedUntil !== undefined && html`, ends ${when(blockedUntil, now)}`}${blockedReason !== undefined && html`: ${blockedReason}`}`,
    ],
    [
      'Paused',
      pausedAt !== undefined &&
        html`since ${when(pausedAt, now)}${pausedReason !== undefined && html`: ${pausedReason}`}`,
    ],
    ['Waiting', waiting > 0 && `${counted(waiting, 'call')} of ${counted(accountsWaiting, 'account')}`],
  ])}`;
}

function actsOf(context: ViewContext, { key, state, kind, isOverridden }: LimitDetails): Html {
  const isHeld = state === 'paused' || state === 'blocked';
  const hasNumbers = kind !== 'gate' && kind !== 'none';
  return actButtons(
    context,
    [
      state !== 'paused' && { act: 'pause-limit', words: 'Pause …' },
      isHeld && { act: 'resume-limit', words: 'Resume …' },
      hasNumbers && { act: 'override-limit', words: isOverridden ? 'Override, or take back …' : 'Override …' },
      kind !== 'gate' && { act: 'forget-limit', words: 'Forget …', isDanger: true },
    ],
    { key },
  );
}

function usersOf(uses: readonly LimitUse[]): Html {
  return html`<h2>Who waits</h2>
    ${table(
      'By sync and tenant, the largest share first',
      uses.slice(0, USERS),
      [
        { name: 'Sync', cell: ({ sync }) => sync },
        { name: 'Tenant', cell: ({ tenant }) => tenant ?? 'each account its own' },
        { name: 'Calls', cell: ({ waiting }) => count(waiting), isNumber: true },
        { name: 'Accounts', cell: ({ accounts }) => count(accounts), isNumber: true },
      ],
      'No run that goes on, and no action.',
    )}`;
}

function queueOf({ link }: ViewContext, { queue }: LimitDetails): Html {
  return html`<h2>Queue</h2>
    ${table(
      'The first calls that wait, in order',
      queue,
      [
        { name: 'Account', cell: ({ account }) => html`<a href="${link(['accounts', account])}">${account}</a>` },
        { name: 'Goes in about', cell: ({ etaMs }) => duration(etaMs) },
        { name: 'Cost', cell: ({ cost }) => count(cost), isNumber: true },
        { name: 'Asked', cell: ({ bounces }) => counted(bounces, 'time') },
        { name: 'Call', cell: ({ callKey }) => callKey, isWide: true },
      ],
      'Nothing waits for it.',
    )}`;
}

function eventsOf({ now }: ViewContext, { events }: LimitDetails): Html {
  return html`<h2>What happened</h2>
    ${table(
      'Latest first, of the last 7 days',
      events.slice(0, EVENTS),
      [
        { name: 'When', cell: ({ at }) => when(at, now) },
        { name: 'What', cell: ({ type }) => type },
        {
          name: 'Details',
          isWide: true,
          cell: ({ detail }) =>
            Object.entries(detail)
              .filter(([, value]) => value !== null)
              .map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
              .join(', '),
        },
      ],
      'Nothing.',
    )}`;
}
