/**
 * Tells alerts to the app's `onAlert` and to the webhook, at least once, until they are taken. Next: `db/stores/alert/delivery-store.ts`,
 * `client/alerts/send-webhook.ts`.
 */
import { EnvHttpProxyAgent, fetch as fetchOfUndici, type RequestInit as UndiciInit } from 'undici';
import type { Log, ProxySettings } from '../../activities/index.ts';
import { createWebhook, type AlertWebhook } from '../../client/alerts/send-webhook.ts';
import type { AlertEvent } from '../../contracts/alerts/alert.ts';
import {
  claimDeliveries,
  createPool,
  markDelivered,
  postponeDelivery,
  type AlertChannel,
  type AlertDelivery,
  type Pool,
} from '../../db/index.ts';
import { every } from '../loops/interval.ts';
import { TELL_INTERVAL_MS, TELL_LEASE_MS, TELL_ROOM, tellAgainMs, withinTime } from '../loops/telling.ts';

export type OnAlert = (event: AlertEvent) => Promise<void> | void;

export interface AlertReceivers {
  readonly onAlert?: OnAlert | undefined;
  readonly webhook?: AlertWebhook | undefined;
  /** By which proxy the webhook is reached. Default: by none. */
  readonly proxy?: ProxySettings | undefined;
}

/** Node's own fetch knows no proxy. */
function fetchBy({ httpProxy = '', httpsProxy = '', noProxy = '' }: ProxySettings): typeof fetch {
  const dispatcher = new EnvHttpProxyAgent({ httpProxy, httpsProxy, noProxy });
  return ((url: string, init: UndiciInit) => fetchOfUndici(url, { ...init, dispatcher })) as unknown as typeof fetch;
}

type Tell = (event: AlertEvent) => Promise<void>;

/** @returns a function that ends it. @throws TypeError when address or secret of the webhook are not what they should be. */
export function startDelivering(pool: Pool, receivers: AlertReceivers, log: Log): () => Promise<void> {
  const tell = tellersOf(receivers);
  if (tell.size === 0) return () => Promise.resolve();
  return every(TELL_INTERVAL_MS, 'telling alerts', log, () => deliverOnce(pool, tell, log));
}

/** Tells what is due now, from a process that is no worker: somebody must when none is left. */
export async function deliverPending(databaseUrl: string, receivers: AlertReceivers, log: Log): Promise<void> {
  const tell = tellersOf(receivers);
  const pool = createPool(databaseUrl, { max: 2, applicationName: 'sluice-alerts' });
  try {
    while (await deliverOnce(pool, tell, log));
  } finally {
    await pool.end();
  }
}

/** @returns how to tell each receiver that there is. */
function tellersOf({ onAlert, webhook, proxy }: AlertReceivers): ReadonlyMap<AlertChannel, Tell> {
  const tell = new Map<AlertChannel, Tell>();
  if (onAlert) tell.set('handler', (event) => withinTime(Promise.resolve(onAlert(event))));
  if (webhook) tell.set('webhook', createWebhook(webhook, proxy && fetchBy(proxy)));
  return tell;
}

/** @returns whether there was any. */
async function deliverOnce(pool: Pool, tell: ReadonlyMap<AlertChannel, Tell>, log: Log): Promise<boolean> {
  const claimed = await claimDeliveries(pool, [...tell.keys()], TELL_ROOM, TELL_LEASE_MS);
  await Promise.all(claimed.map((each) => deliver(pool, tell.get(each.channel) as Tell, each, log)));
  return claimed.length > 0;
}

async function deliver(pool: Pool, tell: Tell, { id, channel, tries, event }: AlertDelivery, log: Log): Promise<void> {
  try {
    await tell(event);
  } catch (error) {
    const delayMs = tellAgainMs(tries);
    const what = channel === 'handler' ? '`onAlert` has thrown' : 'the webhook has not taken an alert';
    log.warn({ alert: event.alert.id, error: String(error), delayMs }, `${what}; it is told again`);
    await postponeDelivery(pool, id, delayMs, String(error));
    return;
  }
  await markDelivered(pool, id);
}
