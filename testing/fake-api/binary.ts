/**
 * Files of any content: attachments, pictures, documents. They are made while they are sent, so that one of a gigabyte
 * takes no memory. On purpose they may be cut in the middle, or have a length that is not theirs. Used by:
 * `fake-api.ts`. Next: `answer.ts` streams them.
 */
import { createHash } from 'node:crypto';
import type { FakeAnswer } from './answer.ts';
import type { FakeCall } from './call.ts';
import { cut } from './files.ts';
import type { PathParams } from './paths.ts';
import type { Route } from './routes.ts';

export interface BinaryOptions<P extends string> {
  /** Its bytes, or how many: then they are the same for each call. Undefined answers 404. */
  readonly content: Uint8Array | number | ((params: PathParams<P>, call: FakeCall) => Uint8Array | number | undefined);
  /** Default `application/octet-stream`. */
  readonly type?: string;
  /** Told in `Content-Disposition`. Default none. */
  readonly name?: string;
  /** More headers, e.g. an `etag`. With it a call whose `if-none-match` is the same is answered with 304. */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * How the connection says where the file ends: by its length (`told`), by chunks, or not at all (`untold`: the
   * connection ends). It may also state a length of so many bytes, true or not. Default `told`.
   */
  readonly length?: 'told' | 'chunked' | 'untold' | number;
  /** Bytes after which the connection of the next calls breaks, one for each call; then none does. */
  readonly cuts?: number[];
  /** True: no token is needed, as at a presigned address. A call that sends one is answered with 400. Default false. */
  readonly isPublic?: boolean;
}

/** The route of a file. */
export function binaryRoute<P extends string>(pattern: P, options: BinaryOptions<P>): Route {
  const { content, type = 'application/octet-stream', name, length = 'told', cuts, isPublic = false } = options;
  return {
    method: 'GET',
    pattern,
    isPublic,
    answer: (call, params): FakeAnswer => {
      if (isPublic && call.headers.authorization !== undefined)
        return { status: 400, body: { error: 'only one way to authenticate is allowed' } };
      const etag = options.headers?.['etag'];
      if (etag !== undefined && call.headers['if-none-match'] === etag) return { status: 304, headers: { etag } };
      const found = typeof content === 'function' ? content(params as PathParams<P>, call) : content;
      if (found === undefined) return { status: 404, body: { error: 'not_found' } };
      const size = typeof found === 'number' ? found : found.length;
      const headers = {
        'content-type': type,
        ...(name === undefined
          ? {}
          : { 'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(name)}` }),
        ...options.headers,
      };
      const stated = length === 'told' ? size : length;
      return { headers, stream: cut(bytesOf(found), cuts?.shift()), framing: stated };
    },
  };
}

const BLOCK = Buffer.concat(
  Array.from({ length: 2_048 }, (_, n) => createHash('sha256').update(`block ${n}`).digest()),
);

async function* bytesOf(content: Uint8Array | number): AsyncGenerator<Buffer> {
  if (typeof content !== 'number') return yield Buffer.from(content);
  for (let left = content; left > 0; left -= BLOCK.length) yield left < BLOCK.length ? BLOCK.subarray(0, left) : BLOCK;
}
