/**
 * What an option is called elsewhere: in other tools, and in the fields of our own API and JSON. Somebody who writes one of these names
 * means it. Used by `strict-command.ts`, where an option is not known.
 */
import { nearName } from '../contracts/operate/near-name.ts';

/** Of each option its other names, without dashes; an option that a command does not have is not offered there. */
export const ALSO_CALLED: Readonly<Record<string, readonly string[]>> = {
  '--account': ['acct', 'account-id', 'connection', 'connection-id', 'integration', 'for'],
  '--actor': ['by', 'user', 'who', 'operator'],
  '--after': ['cursor', 'offset', 'page', 'page-token', 'starting-after', 'from'],
  '--by': ['user', 'actor', 'as', 'started-by', 'who', 'operator'],
  '--every': ['interval', 'refresh', 'seconds', 'period'],
  '--expires-in': ['ttl', 'expires', 'expiry', 'lifetime', 'expires-at'],
  '--full': ['mode', 'full-refresh', 'full-sync', 'from-scratch', 'from-start', 'reset', 'resync', 'no-incremental'],
  '--input': ['data', 'payload', 'params', 'args', 'body', 'json-input'],
  '--json': ['format', 'output', 'as-json'],
  '--key': ['idempotency-key', 'id', 'once', 'request-id'],
  '--limit': ['count', 'max-results', 'page-size', 'top', 'first', 'num', 'last'],
  '--max': ['limit', 'units', 'quota'],
  '--minutes': ['for', 'ttl', 'duration', 'until'],
  '--module': ['file', 'config', 'entry', 'definitions', 'require'],
  '--name': ['sync', 'action', 'saga'],
  '--prefix': ['provider', 'key', 'filter'],
  '--priority': ['role', 'class', 'queue'],
  '--provider': ['vendor', 'service', 'third-party', 'api'],
  '--role': ['priority', 'queue', 'roles'],
  '--since': ['from', 'start', 'after-time', 'newer-than'],
  '--status': ['state', 'phase'],
  '--subject': ['account', 'workflow', 'run', 'of', 'target'],
  '--sync': ['name', 'job', 'workflow'],
  '--tenant': ['org', 'organization', 'workspace', 'customer', 'team'],
  '--wait': ['follow', 'watch', 'sync', 'block', 'attach', 'no-detach'],
  '--why': ['reason', 'message', 'comment', 'note', 'because'],
  '--workflow': ['workflow-id', 'id', 'run', 'run-id'],
  '--yes': ['force', 'confirm', 'no-dry-run', 'assume-yes'],
};

/** @param known of the command, as they are written: `--full`. @returns the one that is meant: by its meaning, else by its spelling. */
export function meantOption(given: string, known: readonly string[]): string | undefined {
  const name = given.replace(/^-+/, '').replace(/=.*$/s, '').toLowerCase();
  const meant = known.find((option) => ALSO_CALLED[option]?.includes(name));
  const spelt = nearName(name, known.map((option) => option.slice(2))); // prettier-ignore
  return meant ?? (given.startsWith('--') && spelt !== undefined ? `--${spelt}` : undefined);
}
