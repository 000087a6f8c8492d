/** One answer, cut into rows. Without `paginate` the answer is its own one item. */
import { wrongBooleans, wrongObject, type NamesOf } from '../../../contracts/values/option-mistakes.ts';
import type { SinglePage } from '../options.ts';
import { COMPLETE, step } from '../step.ts';
import { onePage, type Kind } from './shared.ts';

export const single: Kind<SinglePage<unknown, unknown, unknown>> = {
  options: { kind: true, items: true, mayOmitItems: true, checkpoint: true, guards: true } satisfies NamesOf<
    SinglePage<unknown, unknown, unknown>
  >,
  required: ['items'],
  mistakes: (options) => {
    const { guards = {} } = options;
    const ofGuards = wrongObject(options, 'guards', "{ 'more-told': false }");
    if (ofGuards.length === 0)
      ofGuards.push(
        ...Object.keys(guards)
          .filter((name) => name !== 'more-told')
          .map((name) => `guards: a list of kind "single" has the guard "more-told" alone, not "${name}"`),
        ...wrongBooleans(guards, ['more-told']).map((text) => `guards: ${text}`),
      );
    return [...ofGuards, ...wrongBooleans(options, ['mayOmitItems'])];
  },
  compile: ({ items, mayOmitItems = false, checkpoint, guards }) => ({
    ...onePage,
    guards: { ...onePage.guards, ...guards },
    kind: 'single',
    resultCap: 'common',
    items,
    mayOmitItems,
    ...(checkpoint ? { checkpoint } : {}),
    request: (_, size, range) => ({
      cursor: undefined,
      url: undefined,
      behind: undefined,
      offset: 0,
      number: 1,
      size,
      range,
    }),
    advance: (at) => step(at, { end: COMPLETE }),
  }),
};
