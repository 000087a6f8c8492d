/**
 * The settings of an account, by the schema of its provider. Used by: `define-provider.ts`; called when they
 * are given (`client/account/check-connect.ts`), and by activities at each call.
 */
import type { z } from 'zod';
import { SettingsMistake } from '../../contracts/account.ts';
import { keepLatest } from '../../contracts/values/keep-latest.ts';

/** @param given as stored; null when there are none. @throws SettingsMistake */
export type SettingsReader = (given: unknown, account: string) => unknown;

/** Different settings whose reading is remembered: parsing takes longer than a call's other preparations. */
const MOST_KNOWN = 1_000;

export function createSettingsReader(provider: string, schema: z.ZodType | undefined): SettingsReader {
  if (!schema) return () => undefined;
  const known = new Map<string, unknown>();
  return (given, account) => {
    const text = JSON.stringify(given ?? null);
    if (known.has(text)) return known.get(text);
    const parsed = schema.safeParse(given ?? {});
    if (!parsed.success) throw mistake(provider, account, parsed.error);
    keepLatest(known, text, parsed.data, MOST_KNOWN);
    return parsed.data;
  };
}

function mistake(provider: string, account: string, { issues }: z.ZodError): SettingsMistake {
  const texts = issues.map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`));
  return new SettingsMistake(
    `The settings of account "${account}" do not fit provider "${provider}": ${texts.join('; ')}. ` +
      'Give them with accounts.connect({ …, settings }) or accounts.update({ …, settings }).',
  );
}
