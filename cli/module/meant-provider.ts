/**
 * The provider that an account is connected at: one of the module, where that is named; else any whose name is not taken for a slip of one
 * that is known here. Used by `cli/commands/operate/accounts.ts`. Next: `load-module.ts`, `cli/known-names.ts`.
 */
import type { Sluice } from '../../client/index.ts';
import { nearName } from '../../contracts/operate/near-name.ts';
import type { Provider } from '../../providers/index.ts';
import { knownProviders, unknownText } from '../known-names.ts';

interface Meant {
  readonly module: string | undefined;
  /** It is meant as it is written. */
  readonly isNew: boolean;
}

/** @throws Error that names the one that is meant, and how to say that this one is. */
export async function meantProvider(sluice: Sluice, id: string, { module, isNew }: Meant): Promise<Provider | string> {
  if (module !== undefined) {
    const { loadModule, providerNamed } = await import('./load-module.ts');
    return providerNamed(await loadModule(module), id);
  }
  if (isNew) return id;
  const known = await knownProviders(sluice);
  if (known.includes(id) || nearName(id, known) === undefined) return id;
  throw new Error(
    `${unknownText('provider', id, known)} Nothing was stored. If it is another one, say so by --new-provider, or name your module by --module.`,
  );
}
