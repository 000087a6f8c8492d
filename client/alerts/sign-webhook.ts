/**
 * Signs what is sent to a webhook, by HMAC-SHA256 over id, time and body, so that its receiver knows who sent it and when.
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 * Used by `send-webhook.ts`.
 */
import { createHmac } from 'node:crypto';

const PREFIX = 'whsec_';
/** The standard wants 24 to 64 bytes. */
const LEAST_BYTES = 24;
const MOST_BYTES = 64;

/** @throws TypeError that repeats nothing of the secret. */
export function webhookKey(secret: string): Buffer {
  const text = secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : secret;
  const key = Buffer.from(text, 'base64');
  const isBase64 =
    /^[A-Za-z0-9+/]+={0,2}$/.test(text) && key.toString('base64').replace(/=+$/, '') === text.replace(/=+$/, '');
  if (!isBase64 || key.length < LEAST_BYTES || key.length > MOST_BYTES)
    throw new TypeError(
      `The secret of the webhook must be "whsec_" and ${LEAST_BYTES} to ${MOST_BYTES} bytes in base64. Make one: ` +
        `node -p "'whsec_' + require('crypto').randomBytes(32).toString('base64')"`,
    );
  return key;
}

/** @param timestamp epoch seconds. */
export function signedHeaders(key: Buffer, id: string, timestamp: number, body: string): Record<string, string> {
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': `v1,${signature}`,
  };
}
