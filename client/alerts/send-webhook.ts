/** Sends an alert to the webhook. Next: `sign-webhook.ts`; called by `workers/alerts/deliver-alerts.ts` and `sluice alerts check`. */
import type { AlertEvent } from '../../contracts/alerts/alert.ts';
import { signedHeaders, webhookKey } from './sign-webhook.ts';

export interface AlertWebhook {
  /** Where alerts are sent by POST. */
  readonly url: string;
  /** `whsec_` and 24 to 64 bytes in base64, which the receiver has too. */
  readonly secret: string;
}

const PATIENCE_MS = 15_000;

/**
 * @param send how. Default: straight, by no proxy.
 * @returns sends one event.
 * @throws TypeError when address or secret are not what they should be.
 */
export function createWebhook(
  { url, secret }: AlertWebhook,
  send: typeof fetch = fetch,
): (event: AlertEvent) => Promise<void> {
  const key = webhookKey(secret);
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new TypeError('The address of the webhook must be one of http or https.');
  if (new URL(url).username !== '' || new URL(url).password !== '')
    throw new TypeError(
      'The address of the webhook has a user and a password in it, which no call may have; what is sent is signed with the secret.',
    );
  return async ({ type, id, timestamp, alert }) => {
    const body = JSON.stringify({ type, timestamp, data: alert });
    const seconds = Math.floor(Date.now() / 1_000);
    const answer = await send(url, {
      method: 'POST',
      headers: signedHeaders(key, id, seconds, body),
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    // What it says is nobody's concern: of a body without an end, or one that unpacks to gigabytes, nothing is read.
    await answer.body?.cancel().catch(() => {});
    if (!answer.ok) throw new Error(`the webhook answered HTTP ${answer.status}`);
  };
}
