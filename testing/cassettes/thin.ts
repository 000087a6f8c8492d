/**
 * Makes a recording small enough to review and commit: what a test needs of hundreds of pages are a few rows of a few.
 * Next: `cassette-file.ts` writes it.
 */
import type { Cassette, CassetteExchange } from './cassette-file.ts';

export interface ThinOptions {
  /** At most so many elements in every array of an answer's JSON, ≥ 0. Totals and cursors stay. Default: all. */
  readonly items?: number;
  /**
   * At most so many exchanges of one method and path, ≥ 1. They are the first ones, of which the last is answered as
   * the last of all was. So a list still ends, whatever leads from page to page. Default: all.
   */
  readonly pages?: number;
  /** Which exchanges stay. Default: all. */
  readonly keep?: (exchange: CassetteExchange, index: number) => boolean;
}

/** @returns a copy. Of exchanges that are the same in request and answer, one after another, the first one stays. */
export function thinCassette(cassette: Cassette, options: ThinOptions = {}): Cassette {
  const { items = Infinity, pages = Infinity, keep = () => true } = options;
  if (!(items >= 0)) throw new TypeError(`\`items\` is ${items}; it must be 0 or more.`);
  if (!(pages >= 1)) throw new TypeError(`\`pages\` is ${pages}; it must be 1 or more.`);
  const kept = cassette.exchanges.filter(keep).map((exchange) => cutAnswer(exchange, items));
  const once = kept.filter((exchange, index) => index === 0 || !isSame(exchange, kept[index - 1]));
  return { ...cassette, exchanges: fewPages(once, pages) };
}

function cutAnswer(exchange: CassetteExchange, items: number): CassetteExchange {
  const { response } = exchange;
  if (response.body?.json === undefined || items === Infinity) return exchange;
  return { ...exchange, response: { ...response, body: { ...response.body, json: cut(response.body.json, items) } } };
}

function cut(value: unknown, items: number): unknown {
  if (Array.isArray(value)) return value.slice(0, items).map((inner) => cut(inner, items));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, cut(inner, items)]));
}

function fewPages(exchanges: readonly CassetteExchange[], pages: number): CassetteExchange[] {
  const byPlace = new Map<string, CassetteExchange[]>();
  const placeOf = ({ request }: CassetteExchange): string => `${request.method} ${request.path}`;
  for (const exchange of exchanges)
    byPlace.set(placeOf(exchange), [...(byPlace.get(placeOf(exchange)) ?? []), exchange]);
  return exchanges.flatMap((exchange) => {
    const all = byPlace.get(placeOf(exchange)) ?? [];
    const number = all.indexOf(exchange) + 1;
    if (number > pages) return [];
    const { response } = number === pages ? (all.at(-1) as CassetteExchange) : exchange;
    return [{ ...exchange, response }];
  });
}

/** When an answer was sent says nothing of what it is (RFC 9110 §6.6.1). */
function isSame(a: CassetteExchange, b: CassetteExchange | undefined): boolean {
  const withoutTime = (exchange: CassetteExchange): string => {
    const { date: _, ...headers } = exchange.response.headers;
    return JSON.stringify({ ...exchange, response: { ...exchange.response, headers } });
  };
  return b !== undefined && withoutTime(a) === withoutTime(b);
}
