/**
 * For use of the limiter alone: the limits of a third party, declared as a provider declares them, and what a call takes
 * from them. Next: `limiter/acquire/acquire.ts` takes it.
 */
import type { Charge } from '../../contracts/limits/limit.ts';
import { unknownOptions, type NamesOf } from '../../contracts/values/option-mistakes.ts';
import { chargesFor, limitMistakes, type CallFacts, type LimitDeclaration } from '../../providers/limits.ts';

/** What a limit may be counted by. */
export interface LimitedCall extends Partial<Omit<CallFacts, 'provider' | 'account'>> {
  /** Whose call it is. Limits by `account` and `token` are counted by it, and accounts take turns at shared ones. */
  readonly account: string;
  /** For limits that are stated for some endpoints, or counted `by: ['endpoint']`. Default: none. */
  readonly endpoint?: string;
  /** Default: the account. */
  readonly tenant?: string;
  /** Identity of the address that the call leaves from. Default `default`. */
  readonly ip?: string;
}

export const LIMITED_CALL: NamesOf<LimitedCall> = {
  account: true,
  endpoint: true,
  tenant: true,
  ip: true,
  settings: true,
  input: true,
  pageSize: true,
};

/**
 * Declares the limits of one third party.
 * @param provider its name: keys begin with it, and its gate (breaker, pauses) is called `<provider>/*`.
 * @returns a function that says what a call takes: the `charges` of `limiter.acquire()`. It throws a TypeError without an account, and for a
 * name that it does not know: such calls would be counted as somebody else's.
 * @throws TypeError with all that is wrong in the declarations.
 * @example
 * const shop = defineLimits('shop', [window('minute', { by: ['app'], max: 300, perMs: 60_000 })]);
 * await limiter.acquire({ callKey: 'job-17', account: 'acct_42', charges: shop({ account: 'acct_42' }) });
 */
export function defineLimits(
  provider: string,
  declarations: readonly LimitDeclaration[],
): (call: LimitedCall) => readonly Charge[] {
  // Any name of an endpoint will do: there is no list of them here.
  const known = declarations.flatMap(({ endpoints = [], except = [] }) => [...endpoints, ...except]);
  const mistakes = declarations.flatMap((declaration) => limitMistakes(declaration, known));
  if (!/^[a-z0-9-]+$/.test(provider))
    mistakes.unshift(`the provider is called "${provider}"; use lower-case letters, digits and "-"`);
  const names = declarations.map(({ spec }) => spec.name);
  for (const name of new Set(names.filter((name, index) => names.indexOf(name) !== index)))
    mistakes.push(`limit "${name}": declared twice`);
  if (mistakes.length > 0)
    throw new TypeError(`The limits of "${provider}" have mistakes:\n  - ${mistakes.join('\n  - ')}`);
  return (call) => {
    const { account, endpoint = '', tenant = account, ip = 'default', settings, input, pageSize = 0 } = call;
    const wrong = unknownOptions(call, LIMITED_CALL);
    if (typeof account !== 'string') wrong.push(`\`account\` is ${JSON.stringify(account)}; it must be a name`);
    if (wrong.length > 0) throw new TypeError(`A call of "${provider}": ${wrong.join('; ')}`);
    return chargesFor(declarations, { provider, endpoint, account, tenant, settings, ip, input, pageSize });
  };
}
