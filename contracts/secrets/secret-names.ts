/**
 * Which names (of headers, parameters, fields) belong to secrets, and the secrets that stand under them. `nextPageToken` is a place in
 * a list, `token_type` a fact about a token: neither is one.
 * Used by: `secret-shapes.ts` on text, calls on what they send, cassettes on what they record.
 */

const SECRET_NAME =
  /authori[sz]ation|cookie|token|secret|passw|passphrase|passwd|\bpwd\b|api[-_ ]?key|access[-_ ]?key|private[-_ ]?key|session|signature|^sig$|credential|assertion|verifier|jwt|dpop|otp$/i;
const TOKEN_FACT = /token[-_]?(type|endpoint|uri|url|count|limit)s?$/i;
/** Words in front of `token` that make it a place in a list. `backend_token` has none of them, `endToken` has. */
const PLACE_WORDS = new Set(
  'page next prev previous continuation sync start end cursor delta skip change resume'.split(' '),
);
/** The authorization code of OAuth is secret in a query or form; a `code` in a JSON body is an error's number. */
const SECRET_PARAMETER = /^(code|device_code|user_code|key)$/i;
const PASSWORD = /passw|passphrase|pwd|secret/i;

/** @param isParameter of a query or a form. */
export function isSecretName(name: string, isParameter = false): boolean {
  if (isPlaceName(name)) return false;
  return SECRET_NAME.test(name) || (isParameter && SECRET_PARAMETER.test(name));
}

/** A word of its own at the end: `sid` is a session's. */
const IDENTITY_NAME = /(?:^(?:id|email)|[-_](?:id|email)|[a-z\d](?:Id|ID|Email))$/;

/**
 * Does it name somebody rather than prove who they are: `clientEmail`, `tenant_id`? Rows of the third party have such values too.
 * `sessionId` and `accessKeyId` are names of secrets.
 */
export function isIdentityName(name: string): boolean {
  return IDENTITY_NAME.test(name) && !isSecretName(name);
}

/** What stands under such a name is secret even when it is a word of a language. */
export function isPasswordName(name: string): boolean {
  return PASSWORD.test(name);
}

/** Is it a token of a page, or a fact about a token, rather than a secret? */
export function isPlaceName(name: string): boolean {
  if (TOKEN_FACT.test(name)) return true;
  const words = name
    .replaceAll(/([a-z\d])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z\d]+/);
  const last = words.at(-1) ?? '';
  if (/^(next|prev|previous)?(page)?tokens?$/.test(last) && !/^tokens?$/.test(last)) return true;
  return /^tokens?$/.test(last) && PLACE_WORDS.has(words.at(-2) ?? '');
}

/** What a header gives away: its value, or what stands behind its scheme, the password of a Basic pair, the values of cookies. */
export function secretsInHeader(name: string, value: string, isSecret = isSecretName): string[] {
  if (/^cookie$/i.test(name)) return value.split(/; */).map(valueOfPair);
  if (/^set-cookie$/i.test(name)) return [valueOfPair(value.split(';', 1)[0] as string)];
  if (!isSecret(name)) return [];
  const [, scheme = '', rest] = /authori[sz]ation$/i.test(name) ? (/^([A-Za-z][\w-]*) +(\S.*)$/.exec(value) ?? []) : [];
  if (rest === undefined) return [value];
  if (!/^basic$/i.test(scheme)) return [rest];
  const pair = Buffer.from(rest, 'base64').toString('utf8');
  return [rest, pair.slice(pair.indexOf(':') + 1)];
}

/** No usual body is deeper, and a body that is made to be would end the stack. */
const DEEPEST = 200;

/** Every text under such a name. @param isInside everything below a field with a secret name is secret. */
export function secretsInJson(value: unknown, isSecret = isSecretName, isInside = false, depth = 0): string[] {
  if (typeof value === 'string') return isInside ? [value] : [];
  if (typeof value !== 'object' || value === null || depth > DEEPEST) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    const isBelow = (isInside && !isPlaceName(name)) || (!Array.isArray(value) && isSecret(name));
    return secretsInJson(inner, isSecret, isBelow, depth + 1);
  });
}

function valueOfPair(pair: string): string {
  return pair.slice(pair.indexOf('=') + 1);
}
