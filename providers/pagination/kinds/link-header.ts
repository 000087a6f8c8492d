/** The `Link` header, as third parties write it. Pure. Used by: `link.ts`, `providers/pagination/told/more-told.ts`. */

/** Servers send no longer headers, and HTTP clients take none. */
const SEEN_OF_HEADER = 65_536;

/** The target of `rel="next"` in a `Link` header, or undefined. */
export function nextLink(value: string | undefined): string | undefined {
  return linkOf(value, 'next');
}

type Relation = 'next' | 'last' | 'prev' | 'previous';

/**
 * The target of a relation in a `Link` header, or undefined.
 * @see https://www.rfc-editor.org/rfc/rfc8288#section-3
 */
export function linkOf(value: string | undefined, relation: Relation): string | undefined {
  const text = (value ?? '').slice(0, SEEN_OF_HEADER);
  for (let start = text.indexOf('<'); start !== -1;) {
    const end = text.indexOf('>', start);
    if (end === -1) return undefined;
    const endOfLink = commaAfter(text, end);
    const parameters = text.slice(end + 1, endOfLink);
    if (parameters.split(';').some((parameter) => isRel(parameter, relation))) return text.slice(start + 1, end);
    start = text.indexOf('<', endOfLink);
  }
  return undefined;
}

/** The comma that ends a link, none of those within quotes. */
function commaAfter(text: string, from: number): number {
  let isQuoted = false;
  for (let at = from; at < text.length; at++) {
    if (text[at] === '"' && text[at - 1] !== '\\') isQuoted = !isQuoted;
    else if (text[at] === ',' && !isQuoted) return at;
  }
  return text.length;
}

/** `rel=next`, `rel="prefetch next"`, and `rel='next'`, which no standard knows; names in any case. */
function isRel(parameter: string, relation: string): boolean {
  const at = parameter.indexOf('=');
  if (at === -1 || parameter.slice(0, at).trim().toLowerCase() !== 'rel') return false;
  const value = parameter
    .slice(at + 1)
    .replaceAll(/["',]/g, ' ')
    .toLowerCase();
  return value.split(' ').includes(relation);
}
