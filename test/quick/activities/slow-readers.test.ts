/** Bodies that are read more slowly than they come, over connections that end behind them. */
import { createServer, type Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { createHttpSender, type HttpSender } from '../../../activities/index.ts';
import type { FileToReceive } from '../../../activities/files/receive-file.ts';

const limits = { connectMs: 1_000, headersMs: 2_000, bodyMs: 2_000, totalMs: 5_000, maxBodyBytes: 1_000_000 };
const SIZE = 2_000_000;

describe('a body that is read slowly, over a connection that ends', () => {
  let server: Server | undefined;
  let http: HttpSender | undefined;
  afterEach(async () => {
    await http?.close();
    server?.close();
  });

  const fetchFrom = async (head: string, body: readonly Buffer[]) => {
    server = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => {
        socket.write(`HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: image/png\r\n${head}\r\n`);
        for (const chunk of body) socket.write(chunk);
        socket.end();
      });
    });
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    http = createHttpSender();
    let bytes = 0;
    const into: FileToReceive['format']['into'] = async (content) => {
      for await (const chunk of content) {
        bytes += (chunk as Buffer).length;
        await delay(5);
      }
    };
    const file = { format: { into, mostBytes: 1e9 }, account: 'a', expected: {} };
    const answer = await http.send({ method: 'GET', url: `http://127.0.0.1:${port}/a`, headers: {} }, limits, { file });
    return { bytes, answer };
  };
  const body = Array.from({ length: SIZE / 20_000 }, (_, n) => Buffer.alloc(20_000, n));

  it('comes whole, however the connection says where it ends', async () => {
    const told = await fetchFrom(`Content-Length: ${SIZE}\r\n`, body);
    expect(told).toMatchObject({ bytes: SIZE, answer: { isFile: true } });
    const chunks = body.flatMap((chunk) => [
      Buffer.from(`${chunk.length.toString(16)}\r\n`),
      chunk,
      Buffer.from('\r\n'),
    ]);
    const chunked = await fetchFrom('Transfer-Encoding: chunked\r\n', [...chunks, Buffer.from('0\r\n\r\n')]);
    expect(chunked).toMatchObject({ bytes: SIZE, answer: { isFile: true } });
    const untold = await fetchFrom('', body);
    expect(untold).toMatchObject({ bytes: SIZE, answer: { damage: expect.stringMatching(/may be cut/) } });
  });

  it('is an error where it is cut', async () => {
    const short = await fetchFrom(`Content-Length: ${SIZE + 1}\r\n`, body);
    expect(short.answer.error?.code).toBe('truncated-body');
    const open = await fetchFrom('Transfer-Encoding: chunked\r\n', [Buffer.from('8\r\nabcdefgh\r\n')]);
    expect(open.answer.error?.code).toBe('truncated-body');
  });
});
