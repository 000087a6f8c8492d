/**
 * The third party of the hostile matrix, a process of its own: `/status/kind/…` is answered with that status and that kind of
 * answer, the same every time; a path that ends in `/good` with one row, in `/empty` with none. Written to the socket by hand, for no
 * server would send such things. `/counts` says how often each path was called. Prints `READY url`.
 */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { ANSWERS, type AnswerKind, type RawAnswer } from './answers.ts';

const DRIP_MS = 100;

const counts = new Map<string, number>();
const made = new Map<string, RawAnswer>();

const server = createServer((socket) => {
  let head = '';
  let isAnswered = false;
  socket.on('error', () => {}); // the caller has hung up
  socket.on('data', (chunk: Buffer) => {
    head += chunk.toString('latin1');
    if (isAnswered || !isWhole(head)) return;
    isAnswered = true;
    const [, method = '', target = ''] = /^(\w+) (\S+)/.exec(head) ?? [];
    answer(socket, method, decodeURIComponent(target.split('?', 1)[0] as string));
  });
});

/** Head and as much of a body as it states. */
function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return false;
  const [, length = '0'] = /^content-length: (\d+)/im.exec(text.slice(0, end)) ?? [];
  return text.length >= end + 4 + Number(length);
}

function answer(socket: Socket, method: string, path: string): void {
  if (path === '/counts') return send(socket, 200, json(JSON.stringify(Object.fromEntries(counts))));
  const name = `${method} ${path}`;
  counts.set(name, (counts.get(name) ?? 0) + 1);
  if (path.endsWith('/good')) return send(socket, 200, json('{"items":[{"id":"a"}],"next":null}'));
  if (path.endsWith('/empty')) return send(socket, 200, json('{"items":[],"next":null}'));
  const [, status = '', kind = ''] = path.split('/');
  let what = made.get(kind);
  if (!what) made.set(kind, (what = ANSWERS[kind as AnswerKind]()));
  // A redirect leads to itself.
  send(socket, Number(status), { ...what, headers: [...what.headers, `location: ${encodeURI(path)}`] });
}

const json = (body: string): RawAnswer => ({ headers: ['content-type: application/json'], body: Buffer.from(body) });

function send(socket: Socket, status: number, { headers, body, isSlow }: RawAnswer): void {
  const lines = [`HTTP/1.1 ${status} Odd`, ...headers, 'connection: close'];
  if (!isSlow) lines.push(`content-length: ${body.length}`);
  socket.write(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  if (!isSlow) return void socket.end(body);
  let at = 0;
  const timer = setInterval(() => socket.write(body.subarray(at % body.length, (at++ % body.length) + 1)), DRIP_MS);
  socket.once('close', () => clearInterval(timer));
}

server.listen(0, '127.0.0.1', () => {
  console.log(`READY http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
