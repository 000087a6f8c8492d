/**
 * Exports: files of rows in lines, made while they are sent, so that one of a gigabyte takes no memory. They are packed
 * or not, and cut in the middle on purpose. Used by: `fake-api.ts`. Next: `answer.ts` streams them.
 */
import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import type { FakeCall } from './call.ts';
import type { PathParams } from './paths.ts';
import type { Route } from './routes.ts';
import { zipStream } from './zip-stream.ts';

export interface FileOptions<P extends string> {
  readonly format: 'csv' | 'ndjson';
  /** Number of rows; read anew for each call. */
  readonly count: number | ((params: PathParams<P>, call: FakeCall) => number);
  /** The row at an index. Default `{ id, n }`. CSV has the fields of the first one. */
  readonly rowAt?: (index: number, params: PathParams<P>) => Readonly<Record<string, unknown>>;
  /** Default false. A file that is packed itself, without a `Content-Encoding`. */
  readonly gzip?: boolean;
  /** In a zip of several files: the rows of each, by its name, numbered through all of them; `count` is not looked at. Default: no zip. */
  readonly zip?: Readonly<Record<string, number>>;
  /** Default `application/octet-stream`. */
  readonly type?: string;
  /** Bytes after which the connection of the next calls breaks, one for each call; then none does. */
  readonly cuts?: number[];
  /** True: no token is needed, as at a presigned address. A call that sends one is answered with 400. Default false. */
  readonly isPublic?: boolean;
}

/** The route of a file. */
export function fileRoute<P extends string>(pattern: P, options: FileOptions<P>): Route {
  const { format, rowAt = (n: number) => ({ id: `row-${n}`, n }), type = 'application/octet-stream' } = options;
  return {
    method: 'GET',
    pattern,
    isPublic: options.isPublic === true,
    answer: (call, params) => {
      const typed = params as PathParams<P>;
      if (options.isPublic && call.headers.authorization !== undefined)
        return { status: 400, body: { error: 'only one way to authenticate is allowed' } };
      const count = typeof options.count === 'function' ? options.count(typed, call) : options.count;
      const row = (n: number) => rowAt(n, typed);
      const { zip, gzip } = options;
      const plain = (): Readable => Readable.from(linesOf(format, { to: count, row }), { objectMode: false });
      const stream = zip ? zipStream(filesOf(format, zip, row)) : gzip ? plain().pipe(createGzip()) : plain();
      return { headers: { 'content-type': type }, stream: cut(stream, options.cuts?.shift()) };
    },
  };
}

const LINES_AT_ONCE = 500;

/** The files of a zip, each with rows of its own. */
function* filesOf(
  format: 'csv' | 'ndjson',
  counts: Readonly<Record<string, number>>,
  row: (n: number) => object,
): Generator<readonly [string, Iterable<string>]> {
  let from = 0;
  for (const [name, count] of Object.entries(counts)) {
    yield [name, linesOf(format, { from, to: from + count, row })];
    from += count;
  }
}

interface Lines {
  readonly from?: number;
  readonly to: number;
  readonly row: (n: number) => object;
}

function* linesOf(format: 'csv' | 'ndjson', { from = 0, to, row: rowAt }: Lines): Generator<string> {
  const names = Object.keys(rowAt(0));
  if (format === 'csv') yield `${names.map(csvField).join(',')}\r\n`;
  const lineOf = (row: object): string =>
    format === 'ndjson'
      ? `${JSON.stringify(row)}\n`
      : `${names.map((name) => csvField((row as Record<string, unknown>)[name])).join(',')}\r\n`;
  for (let at = from; at < to; at += LINES_AT_ONCE) {
    let text = '';
    for (let n = at; n < Math.min(to, at + LINES_AT_ONCE); n++) text += lineOf(rowAt(n));
    yield text;
  }
}

function csvField(value: unknown): string {
  const text = value === null || value === undefined ? '' : `${value as string | number}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Breaks behind so many bytes. */
export async function* cut(stream: AsyncIterable<Buffer>, after: number | undefined): AsyncGenerator<Buffer> {
  let left = after ?? Number.POSITIVE_INFINITY;
  for await (const chunk of stream) {
    if (chunk.length > left) {
      yield chunk.subarray(0, left);
      throw new Error('cut on purpose');
    }
    left -= chunk.length;
    yield chunk;
  }
}
