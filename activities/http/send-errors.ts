/**
 * Why a call has no answer, or only a part of one, from what was thrown. Used by: `send.ts`, `activities/bodies/rest-of-body.ts`.
 */
import type { Answer, TransportErrorCode } from '../../contracts/answers/answer.ts';
import { duration } from '../../contracts/values/duration.ts';
import { BodyChanged, BodyTooLarge, BodyUnreadable } from '../bodies/body-errors.ts';
import { PRIVATE_ADDRESS } from './private-addresses.ts';
import { SinkFailed } from '../files/receive-file.ts';
import { NotWritten } from './write-watch.ts';

export interface Thrown {
  readonly isCancelled: boolean;
  readonly isTimeOver: boolean;
  readonly totalMs: number;
  readonly hadHeaders: boolean;
  readonly isWritten: boolean;
  /** A client certificate was shown. */
  readonly hasCertificate: boolean;
}

export function errorOf(
  error: unknown,
  { isCancelled, isTimeOver, totalMs, hadHeaders, isWritten, hasCertificate }: Thrown,
): NonNullable<Answer['error']> {
  const unsent = isWritten ? {} : { isUnsent: true };
  if (isCancelled) return { code: 'cancelled', message: messageOf(error), ...unsent };
  if (isTimeOver)
    return { code: 'total-timeout', message: `no complete answer within ${duration(totalMs)}`, ...unsent };
  const refusal = /_ALERT_(.+)$/.exec(codeOf(error))?.[1];
  if (!hadHeaders && refusal !== undefined && CERTIFICATE_ALERTS.has(refusal))
    return hasCertificate
      ? { code: 'certificate-refused', message: `the third party refuses the client certificate (${wordsOf(refusal)})` }
      : {
          code: 'tls',
          message: `the third party wants a client certificate (${wordsOf(refusal)}); is its auth mtls()?`,
        };
  return { code: errorCode(error, hadHeaders, isWritten), message: messageOf(error), ...unsent };
}

/**
 * RFC 8446 §6.2: they end the handshake, so nothing of a request was read. In TLS 1.3 they come after the client has written its request.
 */
const CERTIFICATE_ALERTS: ReadonlySet<string> = new Set([
  'BAD_CERTIFICATE',
  'UNSUPPORTED_CERTIFICATE',
  'CERTIFICATE_REVOKED',
  'CERTIFICATE_EXPIRED',
  'CERTIFICATE_UNKNOWN',
  'CERTIFICATE_REQUIRED',
  'UNKNOWN_CA',
  'ACCESS_DENIED',
]);

function wordsOf(alert: string): string {
  return alert.toLowerCase().replaceAll('_', ' ');
}

function errorCode(error: unknown, hadHeaders: boolean, isWritten: boolean): TransportErrorCode {
  if (error instanceof BodyTooLarge) return 'body-too-large';
  if (error instanceof BodyChanged) return 'changed-body';
  if (error instanceof BodyUnreadable) return 'unreadable-body';
  if (error instanceof SinkFailed) return 'sink';
  if (error instanceof NotWritten) return 'permit-over';
  const code = codeOf(error);
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return 'connect-timeout';
  if (code === 'UND_ERR_HEADERS_TIMEOUT') return 'headers-timeout';
  if (code === 'UND_ERR_BODY_TIMEOUT') return 'body-timeout';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'dns';
  if (code === 'ECONNREFUSED') return 'connection-refused';
  // Later than in the handshake it is a connection that broke.
  if (/^(ERR_TLS|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|ERR_SSL|EPROTO)/.test(code) && !isWritten) return 'tls';
  if (code === PRIVATE_ADDRESS) return 'private-address';
  if (hadHeaders) return 'truncated-body';
  if (code === 'ECONNRESET' || code === 'UND_ERR_SOCKET' || code === 'EPIPE') return 'connection-reset';
  return 'other';
}

function codeOf(error: unknown): string {
  for (let current: unknown = error; current instanceof Error; current = current.cause) {
    const code = (current as NodeJS.ErrnoException).code;
    if (typeof code === 'string') return code;
  }
  return '';
}

/** `80AC…:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:../deps/openssl/…:350:` */
const OPENSSL = /^[\dA-F]+:error:[\dA-F]+:[^:]*:[^:]*:([^:]+):[^]*$/i;

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const words = OPENSSL.exec(error.message)?.[1] ?? error.message;
  return words === 'wrong version number' ? 'wrong version number: no TLS is spoken at that port' : words;
}
