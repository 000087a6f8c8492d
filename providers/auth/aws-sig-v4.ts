/**
 * AWS Signature Version 4, which services beside Amazon's take, too. Pure. Next: `auth.ts`.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
import { createHash, createHmac } from 'node:crypto';
import { unknownOptions, type NamesOf } from '../../contracts/values/option-mistakes.ts';
import type { Auth, UnsignedRequest } from './auth.ts';
import { percentEncoded } from './percent-encoded.ts';

export interface AwsSigV4Options<Settings = unknown> {
  /** E.g. `execute-api`, `s3`. */
  readonly service: string;
  /** E.g. `eu-west-1`, or from the account: ({ settings }) => settings.region. */
  readonly region: string | ((request: UnsignedRequest<Settings>) => string);
}

const OPTIONS = { service: true, region: true } satisfies NamesOf<AwsSigV4Options>;

/** Proxies and clients change these on the way. */
const UNSIGNED = new Set(['authorization', 'connection', 'content-length', 'expect', 'user-agent', 'x-amzn-trace-id']);

/** Signs with `{ extra: { accessKeyId, secretAccessKey, sessionToken? } }` of the account. */
export function awsSigV4<Settings = unknown>({ service, region, ...more }: AwsSigV4Options<Settings>): Auth<Settings> {
  return {
    kind: 'aws-sig-v4',
    required: true,
    isTimed: true,
    mistakes: [
      ...unknownOptions({ service, region, ...more }, OPTIONS).map((text) => `awsSigV4: ${text}`),
      ...(service ? [] : ['awsSigV4: `service` is missing, e.g. "execute-api"']),
      ...(region ? [] : ['awsSigV4: `region` is missing, e.g. "eu-west-1"']),
    ],
    apply: (credentials, request) => {
      const { accessKeyId, secretAccessKey, sessionToken } = credentials?.extra ?? {};
      if (!accessKeyId || !secretAccessKey)
        throw new TypeError(
          "The account's credentials have no `extra.accessKeyId` or no `extra.secretAccessKey`, which awsSigV4() auth needs.",
        );
      const time = request.now.toISOString().replace(/[-:]|\.\d{3}/g, '');
      const bodyHash = sha256(request.body ?? '');
      const added = {
        'x-amz-date': time,
        ...(sessionToken ? { 'x-amz-security-token': sessionToken } : {}),
        ...(service === 's3' ? { 'x-amz-content-sha256': bodyHash } : {}),
      };
      const headers = { ...request.headers, ...added, host: request.url.host };
      const signed = Object.entries(headers)
        .filter(([name]) => !UNSIGNED.has(name))
        .toSorted(([a], [b]) => (a < b ? -1 : 1));
      const names = signed.map(([name]) => name).join(';');
      const canonical = [
        request.method,
        canonicalPath(request.url.pathname, service),
        canonicalQuery(request.url.searchParams),
        ...signed.map(([name, value]) => `${name}:${value.trim().replace(/ +/g, ' ')}`),
        '',
        names,
        bodyHash,
      ].join('\n');
      const scope = [
        time.slice(0, 8),
        typeof region === 'function' ? region(request) : region,
        service,
        'aws4_request',
      ];
      const key = scope.reduce<string | Buffer>((secret, part) => mac(secret, part), `AWS4${secretAccessKey}`);
      const toSign = ['AWS4-HMAC-SHA256', time, scope.join('/'), sha256(canonical)].join('\n');
      const signature = mac(key, toSign).toString('hex');
      const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope.join('/')}, SignedHeaders=${names}, Signature=${signature}`;
      return { headers: { ...added, authorization } };
    },
  };
}

/** Encoded once more, as all services but S3 want it. In S3 a slash of a key is the path's, however it was sent. */
function canonicalPath(path: string, service: string): string {
  const told = service === 's3' ? decodeURIComponent(path) : path;
  return told
    .split('/')
    .map((part) => percentEncoded(part))
    .join('/');
}

function canonicalQuery(query: URLSearchParams): string {
  const pairs = [...query].map(([name, value]) => [percentEncoded(name), percentEncoded(value)] as const);
  const sorted = pairs.toSorted(([a, x], [b, y]) => (a === b ? (x < y ? -1 : 1) : a < b ? -1 : 1));
  return sorted.map(([name, value]) => `${name}=${value}`).join('&');
}

function sha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

function mac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text, 'utf8').digest();
}
