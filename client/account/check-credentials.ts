/**
 * What a login brought, as an app gives it to `accounts.connect()`, checked before it replaces what works.
 */
import { nearName } from '../../contracts/operate/near-name.ts';
import { certificateOver } from '../../contracts/secrets/client-certificate.ts';
import type { Credentials } from '../../contracts/secrets/credentials.ts';
import { isFields } from '../../contracts/values/json-text.ts';
import type { Provider } from '../../providers/define/define-provider.ts';

/** What a login brought. `expiresAt` is when the access token ends; without it the first refusal says so. */
export type NewCredentials = Pick<
  Credentials,
  'accessToken' | 'refreshToken' | 'expiresAt' | 'username' | 'password' | 'extra'
>;

const FIELDS = {
  accessToken: true,
  refreshToken: true,
  expiresAt: true,
  username: true,
  password: true,
  extra: true,
} satisfies Record<keyof NewCredentials, true>;

/** `refresh_token` is `refreshToken`: beside an `accessToken` it would be left out, and missed an hour later. */
const bare = (name: string): string => name.replaceAll(/[^A-Za-z]/g, '').toLowerCase();
const END = 'expiresAt: new Date(Date.now() + seconds * 1000).toISOString()';
const MEANT = new Map([
  ...Object.keys(FIELDS).map((name) => [bare(name), name] as const),
  ['expiresin', 'expiresAt'],
  ['expires', 'expiresAt'],
]);

const TEXTS = ['accessToken', 'refreshToken', 'username', 'password'];

export interface CredentialsCheck {
  /** By a person, who has meant each name: one that is not known is a mistake. Default: a login's answer. */
  readonly isHandWritten?: boolean;
}

/**
 * An object without any fields is right where the app's own client is all that it takes. Other fields of a login's
 * answer (its scope, say) do no harm. An answer without any of the names does, and so does one of them in another
 * spelling. With the provider itself: the certificate that it shows in the handshake must be there, and good.
 * @throws TypeError with all that is wrong, a line each: names only, never values.
 */
export function checkCredentials(
  credentials: NewCredentials,
  provider: Provider | string,
  { isHandWritten = false }: CredentialsCheck = {},
): void {
  if (!isFields(credentials))
    throw new TypeError('`credentials` must be an object, e.g. { accessToken, refreshToken }.');
  const wrong = credentialMistakes(credentials, provider, isHandWritten);
  if (wrong.length > 0) throw new TypeError(wrong.join('\n'));
  if (typeof provider === 'string' || !provider.auth.certificate) return;
  const over = certificateOver(provider.auth.certificate(credentials), Date.now());
  if (over !== undefined) throw new TypeError(`The account can't be connected: ${over}.`);
}

function withNear(name: string): string {
  const near = nearName(name, Object.keys(FIELDS));
  return near === undefined ? name : `${name} (${near}?)`;
}

function credentialMistakes(
  credentials: NewCredentials,
  provider: Provider | string,
  isHandWritten: boolean,
): string[] {
  const given = Object.keys(credentials).filter((name) => credentials[name as keyof NewCredentials] !== undefined);
  const isOfApp = typeof provider === 'object' && provider.auth.refresh?.isOfApp === true;
  if (given.length === 0 && isOfApp) return [];
  const mistakes: string[] = [];
  // A secret in another spelling is told below, with the name to write.
  const hasSecret = given.some((name) => ![undefined, 'expiresAt'].includes(MEANT.get(bare(name))));
  const unknown = given.filter((name) => !MEANT.has(bare(name)));
  if (hasSecret && isHandWritten && unknown.length > 0)
    mistakes.push(`Unknown fields: ${unknown.map(withNear).join(', ')}. Known are ${Object.keys(FIELDS).join(', ')}.`);
  if (!hasSecret)
    mistakes.push(
      `\`credentials\` hold no secret that is known: they have ${given.map((name) => `\`${name}\``).join(', ') || 'nothing'}, ` +
        `and may have ${Object.keys(FIELDS).join(', ')}. Where the client is the app's own, so that an account has none, ` +
        'write { extra: {} }; `{}` with the provider itself.',
    );
  const misspelt = given.flatMap((name) => {
    const meant = Object.hasOwn(FIELDS, name) ? undefined : MEANT.get(bare(name));
    return meant === undefined ? [] : [`\`${name}\` is not read, write \`${meant === 'expiresAt' ? END : meant}\``];
  });
  if (misspelt.length > 0) mistakes.push(`\`credentials\`: ${misspelt.join('; ')}.`);
  const wrong = given.filter(
    (name) => TEXTS.includes(name) && typeof credentials[name as keyof NewCredentials] !== 'string',
  );
  if (wrong.length > 0)
    mistakes.push(
      `\`credentials\`: ${wrong.map((name) => `\`${name}\``).join(', ')} must be a text; leave out what there is none of.`,
    );
  const { expiresAt, extra } = credentials;
  if (extra !== undefined && !(isFields(extra) && Object.values(extra).every((value) => typeof value === 'string')))
    mistakes.push('`extra` of `credentials` must be an object of texts, e.g. { tokenSecret: "…" }.');
  // `new Date()` takes 3600 for a year. What was found may be a secret in the wrong field.
  if (expiresAt !== undefined && !(typeof expiresAt === 'string' && /^\d{4}-\d\d-\d\d/.test(expiresAt)))
    mistakes.push('`expiresAt` must be an ISO time, e.g. new Date(Date.now() + seconds * 1000).toISOString().');
  return mistakes;
}
