/** Limits, key by key: what is paused, blocked or waited for, or all that begin with something. Next: `dashboard/views/details/limit.ts`. */
import { oneOf } from '../../contracts/values/one-of.ts';
import { html } from '../html.ts';
import { actButtons } from '../parts/act-buttons.ts';
import { chosen, filters, paging } from '../parts/filters.ts';
import { limitTable } from '../parts/tables/limit-table.ts';
import type { RenderView } from '../view.ts';

const PAGE = 50;
const STATES = ['waiting', 'blocked', 'paused'] as const;

export const limitsView: RenderView = async (context) => {
  const { sluice, link, query } = context;
  const chose = chosen(query, ['state', 'prefix', 'after']);
  const state = oneOf('state', chose['state'], STATES);
  const { prefix, after } = chose;
  const limits = await sluice.limits.list({
    ...(state === undefined ? {} : { state }),
    ...(prefix === undefined ? {} : { prefix }),
    ...(after === undefined ? {} : { after }),
    limit: PAGE + 1,
  });
  const shown = limits.slice(0, PAGE);
  return {
    title: 'Limits',
    regions: [
      {
        id: 'filters',
        content: filters(link, ['limits'], chose, [
          {
            name: 'state',
            words: 'State',
            choices: [
              { value: undefined, words: 'all' },
              ...STATES.map((value) => ({ value, words: value === 'waiting' ? 'waited for' : value })),
            ],
          },
          ...(prefix === undefined
            ? []
            : [
                {
                  name: 'prefix',
                  words: 'Begins with',
                  choices: [
                    { value: undefined, words: 'anything' },
                    { value: prefix, words: prefix },
                  ],
                },
              ]),
        ]),
      },
      {
        id: 'prefix-form',
        isLive: false,
        content: html`<form class="acts" action="${link(['limits'])}">
          <label for="prefix">Keys that begin with</label>
          <input id="prefix" name="prefix" value="${prefix ?? ''}" placeholder="provider/limit/" maxlength="300" />
          ${state !== undefined && html`<input type="hidden" name="state" value="${state}" />`}
          <button>Show</button>
        </form>`,
      },
      {
        id: 'all',
        content: html`${
          prefix?.endsWith('/') &&
          actButtons(
            context,
            [
              { act: 'pause-limit', words: `Pause all that begin with ${prefix} …` },
              { act: 'resume-limit', words: `Resume all that begin with ${prefix} …` },
            ],
            { key: `${prefix}*` },
          )
        }`,
      },
      {
        id: 'limits',
        content: html`${limitTable('Limits by key', shown, context, 'No key matches: a key appears with its first call.')}
        ${paging(link, ['limits'], chose, limits.length > PAGE ? shown.at(-1)?.key : undefined)}`,
      },
    ],
  };
};
