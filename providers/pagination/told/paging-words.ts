/** What third parties call the pages of their lists, in bodies and headers. Used by: `more-told.ts`. */

/** Objects beside a list that speak of its pages. */
export const ABOUT =
  /^_?(links?|((list|result)_?)?info|result_?set|additional_?data|nav(igation)?|((search|list|results?|response|query|api)_?)?(meta(_?data)?|cursors?(_?info)?|pag(es?|er|ing|ination|e_?(info|context)|eable)(_?(info|details|data))?))$/i;
const WHAT = 'data|items?|records?|results?|rows|pages?';
export const MORE = new RegExp(
  `^(is_?|has_?)(more|next|next_?page)$|^((is|has)_?)?more(_?(${WHAT}))?(_?(available|exists?|in_?collection))?$|^((is|results?|rows|records|list)_?)?truncated$|^((row|result|record|size)s?_?)?limit_?(was_?)?(reached|exceeded|hit)$|^exceeded_?transfer_?limit$|^max_?(results|rows|records|items)_?(reached|exceeded|hit)$`,
  'i',
);
export const LAST = new RegExp(
  `^(is_?)?last(_?page)?$|^(is_?|at_?)(the_?)?end$|^eof$|^(is_?)?end_?of_?(list|data|results|records|pages|stream)$|^no_?more(_?(${WHAT}))?$`,
  'i',
);
/** Words that a thing has as well (a task is `done`): of pages they speak only in an object about these. */
export const DONE = /^(is_?)?(done|complete|completed|finished|exhausted)$/i;
/** What a next page may be called by, and what it may be a page of. A token for the next run is none, nor is the next invoice's number. */
const FORMS =
  'page|link|ur[il]|href|path|cursor|token|offset|marker|key|after|start|skip|index|batch|str|results|(max|min)_?id';
const OF = 'records?|results?|batch|set|items?|start|continuation|search|key|version_?id|upload_?id';
export const NEXT = new RegExp(
  `^(@odata\\.|odata\\.|[_@$]+)?next((_?(${FORMS})){0,3}|_?(${OF})_?(${FORMS}))$|^next_?page_?(number|id)$|^(last_?evaluated_?key|continuation(_?token)?|continue|_?scroll_?id|search_?after|more_?(link|ur[il]|href))$`,
  'i',
);
/** Opaque where it is no number: a place that leads on. */
export const PLACE_TOKEN = /^(offset|cursor)$/i;
/** Names that count rows. A bare `total` may be a sum of money, and is looked at only where it stands beside pages. */
export const COUNTS =
  /^(total_?(count|results|elements|records|rows|hits|entries)|(records|hits|results|rows)_?total|num_?found|nb_?hits|number_?of_?(results|records|rows|hits|elements))$/i;
export const COUNTS_ABOUT = /^(total|count_?total|total_?(size|items|objects|num(ber)?|found))$/i;
/** What an order has as well: it counts rows where as many came as pages have. */
export const QUANTITY = /^total_?items$/i;
export const isPageful = (count: number): boolean => count >= 10 && (count % 10 === 0 || count % 25 === 0);
export const PLACES =
  /^(page|current_?page|page_?(number|size)|per_?page|limit|offset|skip|start|start_?(at|index)|max_?results)$/i;
/** What a request may call the most rows that it wants. */
export const MOST =
  /^\W*(limit|top|take|first|rows|count|max|size|max_?records)$|(limit|page\W?_?size|per_?page|max_?(results|items)|num_?results)\W?$/i;
export const PAGES = /^(total_?pages?|page_?count|last_?page|nb_?pages|num(ber_?of)?_?pages)$/i;
/** What speaks of pages, whatever it says. */
export const SPEAKS = [MORE, LAST, NEXT, COUNTS, COUNTS_ABOUT, PAGES, /^(count|prev(ious)?.*)$/i];
export const LAST_PLACE = /^(page|page_?(number|no)|p|offset|start|skip)$/i;
export const HEADER_COUNTS = ['x-total-count', 'x-total', 'x-pagination-total-count', 'total-count', 'x-wp-total'];
export const HEADER_PAGES = ['x-total-pages', 'x-wp-totalpages', 'x-pagination-page-count', 'x-page-count'];
/** `x-next-page`, `x-ms-continuationtoken`, `opc-next-page`, `x-next-id`. */
export const HEADER_NEXT =
  /(^|-)(next|continuation)-?((page|row)-?)?(page|cursor|token|link|ur[il]|offset|marker|key|id|number)?$/;
/** What speaks of pages in an object of whatever name beside a list: no thing has it as well. */
export const SURE = new RegExp(`${MORE.source}|^next_?(page|cursor|token)\\w*$|${COUNTS.source}|${PAGES.source}`, 'i');
