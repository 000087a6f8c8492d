/**
 * HTML that can't be broken out of: whatever is put into a template is text, unless it is itself made by a template.
 * Texts of third parties are made harmless besides. Marks that turn the direction of writing are shown, control
 * characters are not, and what is long is cut.
 */

/** A piece of a page. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
  toString(): string {
    return this.text;
  }
}

type Part = Html | string | number | false | null | undefined | readonly Part[];

/** Characters of one text at most. */
const LONGEST_TEXT = 1_000;

/** `html\`<b>${text}</b>\``: nothing, null and false are left out, lists are joined. Attributes stand in double quotes. */
export function html(fixed: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(fixed.map((each, index) => (index === 0 ? each : written(parts[index - 1]) + each)).join(''));
}

function written(part: Part): string {
  if (part === undefined || part === null || part === false) return '';
  if (part instanceof Html) return part.text;
  if (typeof part === 'object') return part.map(written).join('');
  return escapeHtml(harmless(String(part)));
}

/** A value that is sent back as it was, e.g. a hidden field: escaped, and nothing else. */
export function verbatim(text: string): Html {
  return new Html(escapeHtml(text));
}

/** Marks of direction (Unicode UAX #9), invisible ones, and line separators. */
const DIRECTION = /[\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
// The tabulator and the end of a line stay.
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\0-\x08\v\f\x0e-\x1f\x7f-\x9f]/g;

/** A value as JSON that can be read and sent back: what would change how its neighbours are read is written as an escape. */
export function readableJson(value: unknown): string {
  return JSON.stringify(value ?? null, null, 2).replaceAll(
    DIRECTION,
    (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** As it may be shown: cut, and without what would change how its neighbours are read. */
export function harmless(text: string, most = LONGEST_TEXT): string {
  const cut = text.length <= most ? text : `${text.slice(0, most)} … (${text.length} characters)`;
  return cut
    .toWellFormed()
    .replaceAll(DIRECTION, (mark) => `\u27e8U+${mark.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}\u27e9`)
    .replaceAll(CONTROL, '\ufffd');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (one) => ENTITIES[one] as string);
}
