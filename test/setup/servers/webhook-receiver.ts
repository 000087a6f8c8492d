/**
 * Somebody who gets alerts by webhook, and takes only what is signed: checked by the library of the standard, not by our code.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';
import type { Alert } from '../../../client/index.ts';

export interface ReceivedAlert {
  readonly id: string;
  readonly type: string;
  readonly timestamp: string;
  readonly data: Alert;
}

export interface WebhookReceiver {
  readonly url: string;
  /** What was taken, in order. */
  readonly received: readonly ReceivedAlert[];
  /** Why something was not taken. */
  readonly refused: readonly string[];
  /** The next ones are answered with this status, although they are well. */
  fail(times: number, status: number): void;
  stop(): Promise<void>;
}

export async function startWebhookReceiver(secret: string): Promise<WebhookReceiver> {
  const webhook = new Webhook(secret);
  const received: ReceivedAlert[] = [];
  const refused: string[] = [];
  let failing = { times: 0, status: 500 };
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      try {
        const content = webhook.verify(body, request.headers as Record<string, string>) as Omit<ReceivedAlert, 'id'>;
        if (failing.times > 0) {
          failing.times--;
          return response.writeHead(failing.status).end();
        }
        received.push({ ...content, id: String(request.headers['webhook-id']) });
        return response.writeHead(204).end();
      } catch (error) {
        refused.push(String(error));
        return response.writeHead(401).end();
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/alerts`,
    received,
    refused,
    fail: (times, status) => (failing = { times, status }),
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
