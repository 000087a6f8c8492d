/**
 * Everything that a call of an account knows to be secret: its credentials, what authenticates the request, the app's own secrets.
 * Used by: whatever makes a call, to take them out of what comes back and out of what is said about it.
 */
import type { Credentials } from '../../contracts/secrets/credentials.ts';
import { secretsOf } from '../../contracts/secrets/redact.ts';
import { createSecretFinder, type SecretFinder } from '../../contracts/secrets/secret-finder.ts';
import { isSecretName, secretsInHeader } from '../../contracts/secrets/secret-names.ts';
import { keepLatest } from '../../contracts/values/keep-latest.ts';
import type { AppliedAuth } from '../../providers/auth/auth.ts';
import type { Provider } from '../../providers/define/define-provider.ts';

/** What the same credentials gave before: making one takes longer than using it. */
const remembered = new Map<string, SecretFinder>();
const MOST_REMEMBERED = 500;

/** @param more values that are secret besides, e.g. what a refresh has brought. */
export function secretsOfCall(
  { auth, headers }: Pick<Provider, 'auth' | 'headers'>,
  credentials: Credentials | undefined,
  applied: AppliedAuth = {},
  more: readonly string[] = [],
): SecretFinder {
  const sent = Object.entries({ ...headers, ...applied.headers }).flatMap(([name, value]) =>
    secretsInHeader(name, value),
  );
  const asked = Object.entries({ ...applied.query, ...applied.body }).flatMap(([name, value]) =>
    isSecretName(name, true) ? [value] : [],
  );
  const secrets = [
    ...secretsOf(credentials),
    ...ofApp(auth),
    ...sent,
    ...asked,
    ...Object.values(applied.path ?? {}),
    ...more,
  ];
  const key = JSON.stringify(secrets);
  const known = remembered.get(key);
  if (known) return known;
  const finder = createSecretFinder(secrets);
  keepLatest(remembered, key, finder, MOST_REMEMBERED);
  return finder;
}

function ofApp({ secrets }: Provider['auth']): string[] {
  try {
    return (secrets?.() ?? []).filter((secret) => secret !== undefined);
  } catch {
    return []; // a setting that is missing is no secret; the call that needs it says so
  }
}
