/**
 * What came back from one HTTP call, before anything is parsed: the input of every rule.
 */

/** Why there is no answer, or only part of one. */
export type TransportErrorCode =
  | 'connect-timeout'
  | 'headers-timeout'
  | 'body-timeout'
  | 'total-timeout'
  | 'connection-refused'
  | 'connection-reset'
  | 'dns'
  | 'tls'
  /** The third party does not take the client certificate that it was shown. */
  | 'certificate-refused'
  /** The address leads into a private network, and was not to. */
  | 'private-address'
  | 'body-too-large'
  | 'truncated-body'
  /** It is packed in a way that is not read here, or not as it says. */
  | 'unreadable-body'
  /** A file of which a part has been read is another one now. */
  | 'changed-body'
  /** A file came, and its sink could not keep it. */
  | 'sink'
  | 'cancelled'
  /** The permit had ended when there was a connection at last. */
  | 'permit-over'
  | 'other';

/**
 * A body as data, or why it is none, in words that follow "the body". `isOther`, in such words: it is data of another format than was
 * asked for, so that it has no rows; rules may look at it.
 */
export type AnswerData =
  | {
      readonly ok: true;
      readonly value: unknown;
      readonly isOther?: string;
      /** Of CSV without rows: the names of its first line. */
      readonly names?: readonly string[];
    }
  | { readonly ok: false; readonly reason: string };

export interface Answer {
  /** HTTP status; 0 when no status line arrived. */
  readonly status: number;
  /** Lower-case names; repeated headers joined by `, `. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body as text, as far as it arrived. */
  readonly text: string;
  /** What the text says, where it is no JSON or was not to be: NDJSON, CSV, XML, plain text. */
  readonly data?: AnswerData;
  /** Some bytes of the body are no characters of its charset: they are U+FFFD in `text`. In words. */
  readonly damage?: string;
  /** Nothing says where the body ends, neither its length, nor chunks, nor what it is packed in: a cut of it is not noticed. */
  readonly mayBeCut?: true;
  /** It was a file, which a sink has kept: `text` is what is known of it, as JSON. */
  readonly isFile?: true;
  /** Of a zip of several files: the one whose rows these are. */
  readonly file?: string;
  /** Set when the transport failed; `status` and `text` then hold what had arrived. */
  readonly error?: {
    readonly code: TransportErrorCode;
    readonly message: string;
    /** Not a byte of the request was written: it can't have arrived. */
    readonly isUnsent?: boolean;
  };
  /** Milliseconds from sending to the end of the body. */
  readonly elapsedMs: number;
}

/** A file of text in a request. */
export interface MultipartFile {
  readonly filename: string;
  /** Its content type. Default `text/plain; charset=utf-8`. */
  readonly type?: string;
  readonly text: string;
}

/** Of a query or a form: undefined and null are left out, a list is the same name several times (`id=1&id=2`). */
export type RequestField = string | number | boolean | null | undefined | readonly (string | number | boolean)[];

/** The request as a provider's endpoint states it; base URL, credentials and default headers are added later. */
export interface RequestSpec {
  /** Those of the second line are of WebDAV and its kin (RFC 4918, 3253, 4791, 5323). */
  readonly method:
    | ('GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'QUERY')
    | ('PROPFIND' | 'REPORT' | 'SEARCH' | 'MKCOL' | 'MKCALENDAR' | 'PROPPATCH' | 'MOVE' | 'COPY' | 'LOCK' | 'UNLOCK');
  /** Path below the provider's base URL, or a whole URL of the same origin (next links). */
  readonly path: string;
  readonly query?: Readonly<Record<string, RequestField>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as application/x-www-form-urlencoded. */
  readonly form?: Readonly<Record<string, RequestField>>;
  /** Sent as multipart/form-data (RFC 7578): fields, and files of text. */
  readonly multipart?: Readonly<Record<string, string | MultipartFile>>;
  /** Sent as it is, e.g. `{ type: 'text/xml', text: '<order/>' }`. */
  readonly body?: { readonly type: string; readonly text: string };
}
