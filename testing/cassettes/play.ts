/**
 * Plays a cassette on a fake third party. Every call gets the answer that was recorded for the same method, path, query
 * and body. Limits, scripts and outages of the server work as for any other route.
 * Next: `cassette-file.ts` has the format.
 */
import type { FakeAnswer } from '../fake-api/answer.ts';
import type { FakeCall } from '../fake-api/call.ts';
import type { Cassette, CassetteBody, CassetteExchange } from './cassette-file.ts';
import { bodyBytes, parseCassetteBody, readCassette } from './cassette-file.ts';
import type { FakeApi } from '../fake-api/fake-api.ts';
import { checkFakeOptions } from '../fake-api/options/check-options.ts';
import { PLAY } from '../fake-api/options/known-options.ts';
import { createRedactor } from './redact.ts';

export interface PlayOptions {
  /** False: calls are matched by method, path and query only. Default true. */
  readonly matchesBody?: boolean;
  /** Query parameters that do not matter for the match, such as times. */
  readonly ignoresQuery?: readonly string[];
}

export interface PlayedCassette {
  /** Calls that are not on the cassette; they were answered 501. */
  misses(): readonly string[];
  /** Exchanges that nobody asked for. */
  unused(): readonly string[];
  /** The cassette with only those exchanges that a call asked for: `writeCassette(file, played.used())` makes it so. */
  used(): Cassette;
}

/**
 * Serves all exchanges of a cassette. The same call again gets the next recorded answer, and the last one for ever.
 * Secrets in a call are not compared: the client of a test has others.
 */
export function playCassette(api: FakeApi, cassette: string | Cassette, options: PlayOptions = {}): PlayedCassette {
  checkFakeOptions('playCassette', options, PLAY);
  const whole = typeof cassette === 'string' ? readCassette(cassette) : cassette;
  const { exchanges } = whole;
  const redactor = createRedactor();
  const ignored = new Set(options.ignoresQuery);
  const misses: string[] = [];

  const star = (parameters: Iterable<readonly [string, string]>): string =>
    [...parameters]
      .filter(([name]) => !ignored.has(name))
      .map(([name, value]) => `${name}=${redactor.isSecret(name, true) ? '*' : value}`)
      .toSorted((a, b) => (a < b ? -1 : 1))
      .join('&');
  const printOf = (
    method: string,
    path: string,
    query: Iterable<readonly [string, string]>,
    body: CassetteBody | undefined,
  ) => {
    const text = star(query);
    const shown = `${method} ${path}${text === '' ? '' : `?${text}`}`;
    if (options.matchesBody === false || body === undefined) return shown;
    if (body.form !== undefined) return `${shown} ${star(body.form)}`;
    return `${shown} ${body.json === undefined ? (body.text ?? '') : canonical(body.json, redactor.isSecret)}`;
  };

  interface Track {
    readonly answers: readonly CassetteExchange[];
    played: number;
  }
  const tracks = new Map<string, Track & { answers: CassetteExchange[] }>();
  for (const exchange of exchanges) {
    const { method, path, query, body } = exchange.request;
    const print = printOf(method, path, query, body);
    const track = tracks.get(print);
    if (track === undefined) tracks.set(print, { answers: [exchange], played: 0 });
    else track.answers.push(exchange);
  }

  const answer = (call: FakeCall): FakeAnswer => {
    const body = parseCassetteBody(Buffer.from(call.text), call.headers['content-type']);
    const print = printOf(call.method, call.path, call.query, body);
    const track = tracks.get(print);
    if (track === undefined) {
      misses.push(print);
      return { status: 501, body: { error: 'not_on_cassette', asked: print } };
    }
    const { response } = track.answers[Math.min(track.played++, track.answers.length - 1)] as CassetteExchange;
    const headers = Object.fromEntries(
      Object.entries(response.headers).map(([name, value]) => [
        name,
        typeof value === 'string' ? value.replaceAll('{{base}}', api.url) : value,
      ]),
    );
    return { status: response.status, headers, body: bodyBytes(response.body, api.url) };
  };
  for (const method of new Set(exchanges.map(({ request }) => request.method))) api.route(method, '/*', answer);

  return {
    misses: () => [...misses],
    unused: () => [...tracks].filter(([, track]) => track.played < track.answers.length).map(([print]) => print),
    used: () => {
      const played = new Set([...tracks.values()].flatMap((track) => track.answers.slice(0, track.played)));
      return { ...whole, exchanges: exchanges.filter((exchange) => played.has(exchange)) };
    },
  };
}

/** JSON with sorted fields and without secrets, so that equal bodies are equal texts. */
function canonical(value: unknown, isSecret: (name: string) => boolean): string {
  return JSON.stringify(value, (name: string, inner: unknown) => {
    if (name !== '' && isSecret(name)) return '*';
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}
