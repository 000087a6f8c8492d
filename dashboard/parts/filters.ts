/** Filters are links: every list that can be seen has an address, which can be kept and sent. */
import { html, type Html } from '../html.ts';
import type { Link, Query } from '../link.ts';

export interface Choice {
  /** Undefined: all. */
  readonly value: string | undefined;
  readonly words: string;
}

export interface FilterRow {
  /** Of the query. */
  readonly name: string;
  readonly words: string;
  readonly choices: readonly Choice[];
}

/** @param query what is chosen now; another choice begins at the first page. */
export function filters(link: Link, path: readonly string[], query: Query, rows: readonly FilterRow[]): Html {
  return html`<nav aria-label="Filters">
    ${rows.map(
      ({ name, words, choices }) =>
        html`<div class="filters">
          <h2 id="by-${name}">${words}</h2>
          <ul aria-labelledby="by-${name}">
            ${choices.map(
              ({ value, words: choice }) =>
                html`<li>
                  <a
                    id="by-${name}-${value ?? ''}"
                    href="${link(path, { ...query, after: undefined, [name]: value })}"
                    ${query[name] === value && html`aria-current="true"`}
                    >${choice}</a
                  >
                </li>`,
            )}
          </ul>
        </div>`,
    )}
  </nav>`;
}

/** How far back graphs go. @param span undefined: the last hour. */
export function spanFilter(link: Link, path: readonly string[], span: string | undefined): Html {
  return filters(link, path, { span }, [
    {
      name: 'span',
      words: 'Graphs',
      choices: [
        { value: undefined, words: 'last hour' },
        { value: 'day', words: 'last day' },
        { value: 'quarter', words: 'last 90 days' },
      ],
    },
  ]);
}

/** To the next page, and back to the first. */
export function paging(link: Link, path: readonly string[], query: Query, next: string | undefined): Html {
  return html`<nav class="acts" aria-label="Pages">
    ${query['after'] !== undefined && html`<a class="button" href="${link(path, { ...query, after: undefined })}">First page</a>`}
    ${next !== undefined && html`<a class="button" rel="next" href="${link(path, { ...query, after: next })}">Next page</a>`}
  </nav>`;
}

/** The values of a query that a view knows. */
export function chosen(query: URLSearchParams, names: readonly string[]): Record<string, string | undefined> {
  return Object.fromEntries(names.map((name) => [name, query.get(name) || undefined]));
}
