/** What a receiver of alerts may answer: its status counts, and nothing else that it sends costs this process anything. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWebhook } from '../../../client/alerts/send-webhook.ts';
import type { AlertEvent } from '../../../contracts/alerts/alert.ts';

const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const event = {
  type: 'alert.fired',
  id: '1.fired',
  timestamp: new Date(0).toISOString(),
  alert: {},
} as unknown as AlertEvent;

const MIB = 1024 * 1024;
/** 256 MiB in 256 KiB. */
const bomb = gzipSync(Buffer.alloc(256 * MIB));

const sent = { bytes: 0 };
/** As fast as it is taken, without an end. */
function pour(response: ServerResponse): void {
  const chunk = Buffer.alloc(MIB, 'x');
  const more = (): void => {
    while (!response.destroyed) {
      sent.bytes += chunk.length;
      if (!response.write(chunk)) return void response.once('drain', more);
    }
  };
  more();
}

const answers: Readonly<Record<string, (request: IncomingMessage, response: ServerResponse) => void>> = {
  '/endless': (_, response) => pour(response.writeHead(200)),
  '/endless-no': (_, response) => pour(response.writeHead(500)),
  '/bomb': (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb),
  '/no-gzip': (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('no gzip at all'),
  '/reset': (_, response) => {
    response.writeHead(200, { 'content-length': '1000' }).write('half');
    setTimeout(() => response.destroy(), 20);
  },
  '/silent': (_, response) => response.writeHead(200).flushHeaders(),
  '/drip': (_, response) => {
    response.writeHead(200);
    const timer = setInterval(() => response.write('.'), 50);
    response.once('close', () => clearInterval(timer));
  },
};

let url: string;
const server = createServer((request, response) => {
  request.resume().once('end', () => answers[request.url ?? '']?.(request, response));
});
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

describe('a receiver of alerts', () => {
  it.each(['/endless', '/bomb', '/no-gzip', '/reset', '/silent', '/drip'])(
    'that says 2xx has taken it, whatever follows: %s',
    async (path) => {
      sent.bytes = 0;
      const before = process.memoryUsage().rss;
      const begun = performance.now();
      await createWebhook({ url: url + path, secret })(event);
      expect(performance.now() - begun).toBeLessThan(5_000);
      expect(process.memoryUsage().rss - before).toBeLessThan(100 * MIB);
      const poured = sent.bytes;
      await new Promise((resolve) => setTimeout(resolve, 300));
      // Nobody reads on.
      expect(sent.bytes - poured).toBeLessThan(20 * MIB);
    },
  );

  it('that says no is told again, and what follows is not read either', async () => {
    await expect(createWebhook({ url: `${url}/endless-no`, secret })(event)).rejects.toThrow('HTTP 500');
  });

  it('is named by no address with a user and a password in it, and the mistake does not repeat them', () => {
    const mistake = (): unknown => createWebhook({ url: 'https://ann:s3cret-word@hooks.example/in', secret });
    expect(mistake).toThrow(/user and a password/);
    expect(mistake).not.toThrow(/s3cret-word/);
  });
});
