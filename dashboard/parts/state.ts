/** A state as a word with a colour; the word alone says it. */
import { html, type Html } from '../html.ts';

const LOOKS: Readonly<Record<string, string>> = {
  done: 'good',
  ok: 'good',
  connected: 'good',
  valid: 'good',
  free: 'good',
  running: 'busy',
  pending: 'busy',
  sending: 'busy',
  starting: 'busy',
  queued: 'busy',
  recovering: 'busy',
  probing: 'warn',
  paused: 'warn',
  full: 'warn',
  incomplete: 'warn',
  unknown: 'warn',
  ended: 'warn',
  advice: 'warn',
  wrong: 'bad',
  blocked: 'bad',
  open: 'bad',
  cleared: 'good',
  begun: 'busy',
  failing: 'bad',
  failed: 'bad',
  needs_reconnect: 'bad',
  'refresh-fails': 'bad',
};

export function stateBadge(state: string, words = state.replaceAll(/[_-]/g, ' ')): Html {
  return html`<span class="state ${LOOKS[state] ?? ''}">${words}</span>`;
}
