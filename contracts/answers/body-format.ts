/**
 * In which format bodies are, as an endpoint says it, and which one a content type names. Pure.
 * Used by: `providers/define/mistakes/body-mistakes.ts`. Next: `activities/bodies/body-data.ts` reads a body by it.
 */

/** Which files of a zip that has several are read, one after another, e.g. `(name) => name.endsWith('.csv')`; of `kind: 'single'`. Default: all. */
type Files = (name: string) => boolean;

/** A JSON value in each line. */
export interface NdjsonFormat {
  readonly kind: 'ndjson';
  readonly files?: Files;
}

/** Rows in lines, with the names of their fields in the first one or in `columns`. All values are text. */
export interface CsvFormat {
  readonly kind: 'csv';
  /** One character, e.g. `;` or a tab. Default `,`. */
  readonly delimiter?: string;
  /** False: a quote is a character like any other, as in tab-separated reports. Default `"`, around fields that hold a delimiter or a line end. */
  readonly quote?: '"' | false;
  /** Names of the fields, for files without a line of names. Default: the first line has them. */
  readonly columns?: readonly string[];
  readonly files?: Files;
}

/**
 * Elements become fields: `<a id="1"><b>x</b></a>` is `{ a: { '@id': '1', b: 'x' } }`, text beside elements or attributes is `#text`. All
 * values are text. Entities of a document's own are not read.
 */
export interface XmlFormat {
  readonly kind: 'xml';
  /** Dotted paths of elements that may come several times, e.g. `orders.order`: always a list, also of one or none. */
  readonly lists?: readonly string[];
  /**
   * False: `<d:href xmlns:d="DAV:">` is `href`. Each server, and each of its versions, may choose another prefix for the same names; without them
   * elements of two vocabularies may get one name. Default true: names stay as they are written.
   */
  readonly prefixes?: boolean;
}

export type FormatName = 'json' | 'ndjson' | 'csv' | 'xml' | 'text';
export type BodyFormat = FormatName | NdjsonFormat | CsvFormat | XmlFormat;
export type AnyFormat = { readonly kind: 'json' | 'text' } | NdjsonFormat | CsvFormat | XmlFormat;

export const FORMATS: readonly FormatName[] = ['json', 'ndjson', 'csv', 'xml', 'text'];

/** What a request says that it takes. */
export const ACCEPTED: Readonly<Record<FormatName, string>> = {
  json: 'application/json',
  ndjson: 'application/x-ndjson, application/json;q=0.9, */*;q=0.8',
  csv: 'text/csv, */*;q=0.8',
  xml: 'application/xml, text/xml;q=0.9, */*;q=0.8',
  text: 'text/plain, */*;q=0.8',
};

export function formatNamed(format: BodyFormat): AnyFormat {
  return typeof format === 'string' ? { kind: format } : format;
}

/** @returns undefined where the type leaves it open, as `application/octet-stream` and `text/plain` do. */
export function formatOfType(contentType: string | undefined): AnyFormat | undefined {
  const type = ((contentType ?? '').slice(0, 200).split(';', 1)[0] ?? '').trim().toLowerCase();
  if (type === 'application/json' || type === 'text/json' || type.endsWith('+json')) return { kind: 'json' };
  if (['application/x-ndjson', 'application/ndjson', 'application/jsonl', 'application/x-jsonlines'].includes(type))
    return { kind: 'ndjson' };
  if (type === 'text/csv' || type === 'application/csv') return { kind: 'csv' };
  if (type === 'text/tab-separated-values') return { kind: 'csv', delimiter: '\t' };
  const isXml = type === 'application/xml' || type === 'text/xml' || type.endsWith('+xml');
  return isXml && type !== 'application/xhtml+xml' ? { kind: 'xml' } : undefined;
}
