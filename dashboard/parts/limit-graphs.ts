/** What a limit did over time, with marks where it was changed. Used by: `dashboard/views/details/limit.ts`. */
import type { HistorySpan, LimitHistory, LimitMark, LimitSlot } from '../../client/index.ts';
import { html, type Html } from '../html.ts';
import type { Link } from '../link.ts';
import { graphs } from './chart.ts';
import { count, rate } from './count.ts';
import { spanFilter } from './filters.ts';
import { table } from './table.ts';
import { exact } from './when.ts';

export const SPANS = ['hour', 'day', 'quarter'] as const satisfies HistorySpan[];
const STEPS = { hour: 'a minute', day: 'a quarter of an hour', quarter: 'six hours' } as const;
const MARKS: readonly (readonly [LimitMark['kind'], string])[] = [
  ['override', 'an override came or went'],
  ['held', 'it was paused, blocked or let go'],
  ['learned', 'its numbers were learned'],
  ['deploy', 'another build began'],
];
/** Of the table. */
const MOST_ROWS = 60;

export function limitGraphs(link: Link, key: string, span: HistorySpan, history: LimitHistory): Html {
  const { slots, marks } = history;
  const first = slots[0];
  if (first === undefined) return html``;
  const isEmpty = slots.every(({ calls, refused, used }) => calls === 0 && refused === 0 && used === null);
  return html`<h2>Over time</h2>
    ${spanFilter(link, ['limits', key], span === 'hour' ? undefined : span)}
    ${isEmpty && html`<p class="dim">Nothing was noted of it in this time.</p>`}
    ${graphs(graphsOf(slots, span), marksOf(history, Date.parse(first.at)))}
    <p class="dim">
      ${exact(first.at)} to now.
      ${MARKS.filter(([kind]) => marks.some((mark) => mark.kind === kind)).map(([kind, words]) => html`<span class="key key-${kind}">${words}</span> `)}
    </p>
    <details id="numbers">
      <summary>As numbers</summary>
      ${slotTable(slots)} ${markTable(marks)}
    </details>`;
}

function graphsOf(slots: readonly LimitSlot[], span: HistorySpan) {
  const of = (pick: (slot: LimitSlot) => number | null): (number | null)[] => slots.map(pick);
  const carried = (pick: (slot: LimitSlot) => number | null): (number | null)[] => {
    let known: number | null = null;
    return slots.map((slot) => (known = pick(slot) ?? known));
  };
  const hasWaited = slots.some(({ waiting }) => waiting > 0);
  return [
    {
      title: `Calls and refusals in ${STEPS[span]}`,
      series: [
        { values: of(({ calls }) => calls), look: 'bars' },
        { values: of(({ refused }) => refused), look: 'bars-bad' },
      ],
    },
    {
      title: 'Used, below the limit in force',
      series: [
        { values: of(({ used }) => used), look: 'line' },
        { values: carried(({ max }) => max), look: 'limit' },
      ],
    },
    {
      title: 'Calls a second given out',
      series: [{ values: carried(({ ratePerSecond }) => ratePerSecond), look: 'line' }],
    },
    { title: 'Calls that waited', series: [{ values: hasWaited ? of(({ waiting }) => waiting) : [], look: 'bars' }] },
  ] as const;
}

function marksOf({ slots, marks, stepMs }: LimitHistory, from: number) {
  const all = stepMs * slots.length;
  return marks.map(({ at, kind, text }) => ({
    place: Math.min(1, Math.max(0, (Date.parse(at) - from) / all)),
    kind,
    text: `${exact(at)}: ${text}`,
  }));
}

function slotTable(slots: readonly LimitSlot[]): Html {
  return table(
    'What was noted, latest first',
    slots
      .filter(({ calls, refused, waiting, used }) => calls + refused + waiting > 0 || used !== null)
      .toReversed()
      .slice(0, MOST_ROWS),
    [
      { name: 'From', cell: ({ at }) => exact(at) },
      { name: 'Calls', cell: ({ calls }) => count(calls), isNumber: true },
      { name: 'Refused', cell: ({ refused }) => count(refused), isNumber: true },
      { name: 'Used', cell: ({ used }) => (used === null ? '' : rate(used)), isNumber: true },
      { name: 'Limit', cell: ({ max }) => (max === null ? '' : rate(max)), isNumber: true },
      {
        name: 'A second',
        cell: ({ ratePerSecond }) => (ratePerSecond === null ? '' : rate(ratePerSecond)),
        isNumber: true,
      },
      { name: 'Waited', cell: ({ waiting }) => count(waiting), isNumber: true },
    ],
    'Nothing.',
  );
}

function markTable(marks: LimitHistory['marks']): Html {
  return table(
    'Marks, latest first',
    marks.toReversed().slice(0, MOST_ROWS),
    [
      { name: 'When', cell: ({ at }) => exact(at) },
      { name: 'What', cell: ({ text }) => text, isWide: true },
    ],
    'No marks.',
  );
}
