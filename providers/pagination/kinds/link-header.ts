/** The `Link` header, as third parties write it. Pure. Used by: `link.ts`, `providers/pagination/told/more-told.ts`. */

/** Servers send no longer headers, and HTTP clients take none. */
const SEEN_OF_HEADER = 65_536;

/**
 * The target of `rel="next"` in a `Link` header, or undefined.
 * @param url address of the answer: a link with an `anchor` elsewhere is about something else. Without it, so is each that has one.
 */
export function nextLink(value: string | undefined, url?: string): string | undefined {
  return linkOf(value, 'next', url);
}

type Relation = 'next' | 'last' | 'prev' | 'previous';

/**
 * The target of a relation of this answer in a `Link` header, or undefined.
 * @see https://www.rfc-editor.org/rfc/rfc8288#section-3
 */
export function linkOf(value: string | undefined, relation: Relation, url?: string): string | undefined {
  return linksIn(value).find(({ parameters }) => isAbout(parameters, url) && isOf(parameters, relation))?.target;
}

/** Is there a `rel=next` that stands in no link, or not as a parameter of one, as the standard writes both? */
export function namesNextOddly(value: string | undefined): boolean {
  const text = (value ?? '').slice(0, SEEN_OF_HEADER);
  let rest = text;
  for (const { parameters, from, to } of linksIn(value).toReversed())
    if (valueOf(parameters, 'rel') !== undefined) rest = rest.slice(0, from) + rest.slice(to);
  return /\brel["']?\s*[=:]\s*["']?next\b/i.test(rest);
}

/**
 * Is this relation that of the next page? Third parties write `nextPage` and `next-page` as well, and the name as an address that ends with
 * it, as RFC 8288 has it for names that are not registered and RFC 4287 for those that are.
 * @see https://www.rfc-editor.org/rfc/rfc8288#section-2.1.2
 */
export function isNextRelation(relation: unknown): boolean {
  return typeof relation === 'string' && /^([a-z][a-z\d+.-]*:.*[/#:])?next([-_]?page)?$/i.test(relation);
}

interface Link {
  readonly target: string;
  readonly parameters: readonly string[];
  readonly from: number;
  readonly to: number;
}

function linksIn(value: string | undefined): Link[] {
  const text = (value ?? '').slice(0, SEEN_OF_HEADER);
  const links: Link[] = [];
  for (let start = text.indexOf('<'); start !== -1;) {
    const end = text.indexOf('>', start);
    if (end === -1) return links;
    const endOfLink = commaAfter(text, end);
    const parameters = text.slice(end + 1, endOfLink).split(';');
    links.push({ target: text.slice(start + 1, end), parameters, from: start, to: endOfLink });
    start = text.indexOf('<', endOfLink);
  }
  return links;
}

/**
 * Is a link about this answer, and not about what its `anchor` names? A list may be named without the place in it.
 * @see https://www.rfc-editor.org/rfc/rfc8288#section-3.2
 */
function isAbout(parameters: readonly string[], url: string | undefined): boolean {
  const anchor = valueOf(parameters, 'anchor');
  if (anchor === undefined || anchor === '') return true;
  if (url === undefined || !URL.canParse(anchor, url)) return false;
  const [named, here] = [new URL(anchor, url), new URL(url)];
  return named.hash === '' && named.origin === here.origin && named.pathname === here.pathname;
}

function isOf(parameters: readonly string[], relation: Relation): boolean {
  const relations = (valueOf(parameters, 'rel') ?? '').toLowerCase().split(/\s+/);
  return relation === 'next' ? relations.some(isNextRelation) : relations.includes(relation);
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
function valueOf(parameters: readonly string[], wanted: string): string | undefined {
  for (const parameter of parameters) {
    const at = parameter.indexOf('=');
    if (at === -1 || parameter.slice(0, at).trim().toLowerCase() !== wanted) continue;
    return parameter
      .slice(at + 1)
      .replaceAll(/["',]/g, ' ')
      .trim();
  }
  return undefined;
}
