/**
 * Answers that are files. Their bytes go to a sink of the user's as they come, and what is known of them then is the
 * row.
 * Used by: `providers/define/endpoint.ts`. Next: `activities/files/receive-file.ts`; `file-folder.ts` is a sink.
 */
import type { Readable } from 'node:stream';
import { z } from 'zod';
import { missingFunctions, unknownOptions, type NamesOf } from '../../contracts/values/option-mistakes.ts';

/** What is known of a file that a sink has kept: the answer of its endpoint, and so the row. */
export const storedFile = z.object({
  /** As the answer tells it (`Content-Disposition`), else the last part of its address. Without folders. */
  name: z.string(),
  /** Its content type, without parameters; null where the answer tells none. */
  type: z.string().nullable(),
  bytes: z.number(),
  /** In hex. */
  sha256: z.string(),
  /** What the sink has given back: where it is kept. */
  ref: z.string().nullable(),
});
export type StoredFile = z.output<typeof storedFile>;

/** What is known of a file before its bytes come. */
export interface FileAbout {
  readonly account: string;
  readonly name: string;
  readonly type: string | null;
  /** As the answer tells it, in bytes, of a file that does not come packed. */
  readonly bytes: number | undefined;
}

/**
 * Keeps one file. Called with the bytes as they come. The stream ends only when the whole file has come and is what was
 * promised, and breaks with an error else. Settles when the file is kept for good: it must throw when the stream
 * breaks, and keep nothing then. May be called again for the same file, by another worker too.
 * @returns where it is kept; null is stored where it gives nothing.
 */
export type FileSink = ((content: Readable, about: FileAbout) => Promise<string | undefined | void>) & {
  /** What is wrong with its options, in words. */
  readonly mistakes?: readonly string[];
};

/** What another answer has told of a file. One that is different is never kept. */
export interface ExpectedFile {
  readonly bytes?: number | null | undefined;
  /** In hex or base64. */
  readonly sha256?: string | null | undefined;
  readonly md5?: string | null | undefined;
}

export interface FileFormat<Input = never> {
  readonly kind: 'file';
  /** Where its bytes go, e.g. `fileFolder('/var/lib/files')`. */
  readonly into: FileSink;
  /**
   * Content types that it may have, e.g. `['application/pdf', 'image/*']`; any other answer is a message and no file. Default: all but JSON
   * and HTML, and these too where the answer says that they are a file (`Content-Disposition`).
   */
  readonly types?: readonly string[];
  /** What its parent's row tells of it. Default: nothing. */
  readonly expect?: (input: Input) => ExpectedFile;
  /** Larger ones fail, in bytes. Default 5 GiB. */
  readonly mostBytes?: number;
}

const OPTIONS = {
  kind: true,
  into: true,
  types: true,
  expect: true,
  mostBytes: true,
} satisfies NamesOf<FileFormat>;

const DEFAULT_MOST_BYTES = 5 * 1024 ** 3;

export function isFileFormat(format: unknown): format is FileFormat {
  return (typeof format === 'object' && (format as FileFormat | null)?.kind === 'file') || format === 'file';
}

export interface CompiledFile extends Required<Pick<FileFormat, 'into' | 'mostBytes'>>, Pick<FileFormat, 'types'> {
  readonly expect: (input: unknown) => ExpectedFile;
}

export function compileFile({ into, types, expect, mostBytes = DEFAULT_MOST_BYTES }: FileFormat): CompiledFile {
  return {
    into,
    mostBytes,
    // The endpoint's own schema has checked the input before it gets here.
    expect: (expect as ((input: unknown) => ExpectedFile) | undefined) ?? (() => ({})),
    ...(types ? { types } : {}),
  };
}

const SAMPLE: StoredFile = { name: 'a.pdf', type: 'application/pdf', bytes: 1, sha256: 'a'.repeat(64), ref: 'x/y' };

/** What is wrong with a `format` of the kind `file`, in words. */
export function fileMistakes(
  format: FileFormat,
  { response, paginate }: { readonly response: z.ZodType; readonly paginate?: unknown },
): string[] {
  if (typeof format !== 'object')
    return ['format is "file"; say where files go: { kind: "file", into: fileFolder("/var/lib/files") }'];
  const { into, types, expect, mostBytes = 1 } = format;
  const mistakes = [
    ...unknownOptions(format, OPTIONS),
    ...missingFunctions(format, ['into', ...(expect === undefined ? [] : ['expect'])]),
    ...((into as FileSink | undefined)?.mistakes ?? []),
  ];
  const isTypes =
    Array.isArray(types) && types.length > 0 && types.every((type) => /^[^/\s]+\/[^/\s]+$/.test(String(type)));
  if (types !== undefined && !isTypes)
    mistakes.push('types must be a list of content types, e.g. ["application/pdf", "image/*"]');
  if (!(Number.isSafeInteger(mostBytes) && mostBytes >= 1))
    mistakes.push(`mostBytes is ${mostBytes}; it must be a whole number of bytes, 1 or more`);
  if (paginate !== undefined) mistakes.push('a file is one row: leave out `paginate`');
  if (typeof response?.safeParse === 'function' && !response.safeParse(SAMPLE).success)
    mistakes.push('`response` must read { name, type, bytes, sha256, ref }: write response: storedFile');
  return mistakes.map((text) => `format: ${text}`);
}
