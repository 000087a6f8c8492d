/**
 * Reads the part of HTTP structured fields that rate limit headers use: lists of items or of `key=item`, each with
 * parameters. Tolerant where servers are careless (a bare token or number for a name), strict about quotes. Pure.
 * @see https://www.rfc-editor.org/rfc/rfc8941
 */

export interface ListItem {
  /** The item itself: a quoted string without its quotes, or the bare word. In `limit=100` it is `100`. */
  readonly value: string;
  /** In `limit=100` it is `limit`. */
  readonly key: string | undefined;
  readonly parameters: Readonly<Record<string, string>>;
}

const ITEM = /^\s*(?:([A-Za-z*][\w.*-]*)\s*=\s*)?("(?:[^"\\]|\\["\\])*"|[^\s",;=]+)\s*((?:;[^,]*)?)$/;
const PARAMETER = /^\s*([A-Za-z*][\w.*-]*)\s*=\s*("(?:[^"\\]|\\["\\])*"|:[A-Za-z0-9+/=]*:|[^\s",;]+)\s*$/;

/** The items in order, or `undefined` when the field is malformed: such a field must be ignored as a whole. */
export function parseList(field: string): ListItem[] | undefined {
  const items: ListItem[] = [];
  for (const text of splitOutsideQuotes(field, ',')) {
    const match = ITEM.exec(text);
    if (match === null) return undefined;
    const parameters: Record<string, string> = {};
    for (const part of splitOutsideQuotes(match[3] ?? '', ';').slice(1)) {
      const pair = PARAMETER.exec(part);
      if (pair === null) return undefined;
      parameters[pair[1]!.toLowerCase()] = unquote(pair[2]!);
    }
    items.push({ key: match[1], value: unquote(match[2]!), parameters });
  }
  return items;
}

function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts: string[] = [];
  let isQuoted = false;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (isQuoted && text[i] === '\\') i++;
    else if (text[i] === '"') isQuoted = !isQuoted;
    else if (text[i] === separator && !isQuoted) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}

function unquote(text: string): string {
  return text.startsWith('"') ? text.slice(1, -1).replace(/\\(.)/g, '$1') : text;
}
