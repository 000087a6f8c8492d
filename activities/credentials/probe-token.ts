/**
 * Asks the third party whether a token is good, by the provider's `authProbe`. A probe speaks for every answer that the
 * same token had got before it was sent: a token that was over does not come back. So those who doubt at once share
 * one.
 * Used by: `settle-doubt.ts`.
 */
import { redact } from '../../contracts/secrets/redact.ts';
import type { Provider } from '../../providers/define/define-provider.ts';
import { requestFor, sign } from '../call/sign-request.ts';
import { hideSecrets } from '../http/hide-secrets.ts';
import type { ActivityDeps, CredentialWait } from '../deps.ts';
import { takeAuthPermit } from './auth-permit.ts';
import { secretsOfCall } from './known-secrets.ts';
import type { DoubtfulCall } from './settle-doubt.ts';

export type Probe =
  | { readonly state: 'good' }
  | { readonly state: 'bad'; readonly reason: string }
  /** `isFailed`: it was made, and failed. That costs an attempt, so that a probe that always fails ends a list and not in a loop. */
  | { readonly state: 'busy'; readonly reason: string; readonly retryAfterMs: number; readonly isFailed?: boolean }
  | { readonly state: 'mistake'; readonly reason: string };

/** Ceiling of the call: a page waits for it. */
const CALL_MS = 15_000;
const RETRY_MS = 1_000;

interface Flight {
  isSent: boolean;
  readonly probe: Promise<Probe>;
}

/** Probes that are not sent yet, of each process. */
const flightsOf = new WeakMap<ActivityDeps, Map<string, Flight>>();

export function probeToken(deps: ActivityDeps, call: DoubtfulCall, wait: CredentialWait): Promise<Probe> {
  const flights = flightsOf.get(deps) ?? new Map<string, Flight>();
  flightsOf.set(deps, flights);
  const { provider, account, used } = call;
  const key = JSON.stringify([provider.id, account, used?.version ?? used]);
  const waiting = flights.get(key);
  if (waiting && !waiting.isSent) return waiting.probe;
  const sent = (): void => {
    flight.isSent = true;
    if (flights.get(key) === flight) flights.delete(key);
  };
  const flight: Flight = { isSent: false, probe: probe(deps, call, wait, sent).finally(sent) };
  flights.set(key, flight);
  return flight.probe;
}

async function probe(
  deps: ActivityDeps,
  { provider, account, tenant, settings, used }: DoubtfulCall,
  wait: CredentialWait,
  onSend: () => void,
): Promise<Probe> {
  const of = { account, tenant, settings };
  const { authProbe } = provider as Provider & { readonly authProbe: NonNullable<Provider['authProbe']> };
  const mistake = (what: string): Probe => ({
    state: 'mistake',
    reason: `the probe of the token can't tell whether it is good: ${redact(what, secretsOfCall(provider, used))}`,
  });
  let signed;
  try {
    signed = sign(provider, requestFor(provider, authProbe.spec, of), used, of);
  } catch (error) {
    return mistake(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
  }
  const permit = await takeAuthPermit(deps, provider, 'probe', of, wait.maxWaitMs ?? RETRY_MS);
  if (permit.state === 'wait') return { state: 'busy', reason: permit.reason, retryAfterMs: permit.retryAfterMs };
  const { outgoing, secrets } = signed;
  onSend();
  const limits = { ...provider.timeouts, totalMs: Math.min(CALL_MS, provider.timeouts.totalMs) };
  const answer = await hideSecrets(await deps.http.send(outgoing, { ...limits, maxBodyBytes: 1024 * 1024 }), secrets);
  await permit.report(answer);
  const outcome = authProbe.decide(answer);
  const reason = 'reason' in outcome ? redact(outcome.reason, secrets) : '';
  switch (outcome.kind) {
    case 'ok':
    case 'flawed':
      return { state: 'good' };
    case 'refresh-auth':
      return outcome.isDoubt
        ? mistake(`it is answered with ${reason}, which is a doubt again`)
        : { state: 'bad', reason };
    case 'limited':
      return {
        state: 'busy',
        reason: `the probe of the token waits: ${reason}`,
        retryAfterMs: outcome.afterMs ?? RETRY_MS,
      };
    case 'retry':
    case 'unknown-write':
    case 'shrink-page':
      return {
        state: 'busy',
        reason: `the probe of the token failed: ${reason}`,
        retryAfterMs: ('afterMs' in outcome ? outcome.afterMs : undefined) ?? RETRY_MS,
        isFailed: true,
      };
    case 'permanent':
    case 'skip':
    case 'end-of-data':
    case 'dead-cursor':
    case 'capped':
    case 'checkpoint-expired':
      return mistake(`it is answered with ${reason}`);
  }
}
