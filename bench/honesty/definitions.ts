/**
 * Three or four definitions of each list, as readers of the documentation write them: the shortest that compiles, one with the
 * total, one that says `lastPage: 'short'`, and one with `lanes`. Where a list has no use for one of them, what it has instead is
 * used: `hasMore`, else a schema and a page size. Next: `run-kind.ts` reads the list with each.
 */
import { z } from 'zod';
import { defineProvider, defineSync, get, noAuth, type Sync } from '../../providers/index.ts';
import type { Api, Body, EndSign, Row, Style } from './kind.ts';

export interface Definition {
  readonly name: string;
  /** How this definition lets the end be seen. */
  readonly sign: EndSign;
  readonly size: number;
  readonly options: Readonly<Record<string, unknown>>;
  readonly isTyped: boolean;
}

/** Other sizes than the default are asked for by the definitions that say more. */
const SMALLER = 50;

export function definitionsOf(api: Api): readonly Definition[] {
  const { style, total, totalIs, hasMore, size, shortIsLast = true } = api;
  const isNumbered = style === 'page' || style === 'offset';
  const asked = size ?? 100;
  const sized = size === undefined ? {} : { pageSize: { start: size } };
  const base: EndSign = isNumbered && !api.always?.['hasMore'] ? 'blank' : 'told';
  const made = (name: string, options: Definition['options'] = {}, changes: Partial<Definition> = {}): Definition => ({
    name,
    sign: base,
    size: asked,
    isTyped: false,
    options: { ...sized, ...options },
    ...changes,
  });

  if (style === 'single') return [made('shortest'), made('typed', {}, { isTyped: true }), made('forgiving')];
  const smaller = made(
    'smaller pages',
    { pageSize: { start: Math.min(asked, SMALLER) } },
    { size: Math.min(asked, SMALLER), isTyped: true },
  );
  const withMore = hasMore && made('hasMore', { hasMore }, { sign: 'told', isTyped: true });
  const withTotal =
    total &&
    made(
      'total',
      { total, ...(totalIs ? { totalIs } : {}) },
      { isTyped: true, sign: isNumbered ? (totalIs ? 'blank' : 'short') : 'told' },
    );
  const withShort = isNumbered && shortIsLast && made("lastPage: 'short'", { lastPage: 'short' }, { sign: 'short' });
  const more = hasMore ? { hasMore } : {};
  const moreSign: Partial<Definition> = hasMore ? { sign: 'told' } : {};
  const withLanes = isNumbered && made('lanes', { lanes: 4, ...more }, moreSign);
  const asCut = isNumbered && !shortIsLast && made("advanceBy: 'size'", { advanceBy: 'size', ...more }, moreSign);
  const others = [withTotal, withMore, withShort, asCut || withLanes].filter(
    (each) => each !== undefined && each !== false,
  );
  return [made('shortest'), ...others, ...(others.length < 2 ? [smaller] : [])];
}

const usualNext: Partial<Record<Style, (body: Body) => string | null>> = { cursor: (body) => body.next };

/** A sync of the one list. @param id also the provider's, so that nothing that was learned from another list is used. */
export function syncOf(id: string, baseUrl: string, api: Api, definition: Definition): Sync {
  const { style, firstPage, classify } = api;
  const provider = defineProvider({
    id,
    baseUrl,
    auth: noAuth(),
    limits: [],
    maxAttempts: 3,
    ...(classify ? { classify } : {}),
  });
  const next = api.next ?? usualNext[style];
  const items =
    definition.name === 'forgiving' ? (body: Body) => body?.items ?? [] : (api.items ?? ((body: Body) => body.items));
  const paginate = {
    kind: style,
    items,
    ...(next ? { next } : {}),
    ...(firstPage === undefined ? {} : { firstPage }),
    ...(style === 'single' ? {} : definition.options),
    ...api.always,
  };
  const endpoint = provider.endpoint('list', {
    input: z.object({}),
    // Whoever types the answer types what he uses of it.
    response: definition.isTyped && !api.items ? z.looseObject({ items: z.array(z.looseObject({})) }) : z.any(),
    request: (_, page) =>
      get(`/${id}`, {
        ...(api.isFixed ? {} : { limit: page.size }),
        ...(style === 'cursor' ? { cursor: page.cursor } : {}),
        ...(style === 'page' ? { page: page.number } : {}),
        ...(style === 'offset' ? { offset: page.offset } : {}),
      }),
    paginate: paginate as never,
  });
  const key = api.key ?? ((item: Row) => item.id);
  return defineSync(id, { provider, input: z.object({}) }, (s) => ({
    rows: s.one(endpoint, { input: () => ({}), key: (item) => key(item as Row) }),
  }));
}
