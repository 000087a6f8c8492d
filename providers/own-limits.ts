/**
 * Limits that an endpoint or action says itself: those of its provider by name, and own ones. Pure.
 * Used by: `define/define-provider.ts`. Next: `limits.ts`.
 */
import type { LimitDeclaration } from './limits.ts';
import type { Classify } from './rules/rules.ts';

export type OwnLimits<Settings = unknown> = readonly (string | LimitDeclaration<Settings>)[];

/** Limits of a provider, to which its endpoints add. */
export interface LimitsOfProvider {
  /** Grows as endpoints are defined. */
  readonly all: readonly LimitDeclaration[];
  /** @param calls of the endpoint, as limits name them. @returns what is wrong with them, in words. */
  readonly add: (own: OwnLimits<never> | undefined, calls: readonly string[]) => string[];
}

export function createLimits(declared: readonly LimitDeclaration[]): LimitsOfProvider {
  const all = [...declared];
  /** As they were given: the same one may be named by several endpoints. */
  const given: unknown[] = [...declared];
  return {
    all,
    add: (own = [], calls) => {
      if (!Array.isArray(own)) return ['`limits` must be a list, e.g. ["search"], or [window("search", { … })]'];
      return own.flatMap((each: string | LimitDeclaration) => {
        const at = typeof each === 'string' ? all.findIndex(({ name }) => name === each) : given.indexOf(each);
        const limit = all[at];
        if (limit) all[at] = alsoOf(limit, calls);
        else if (typeof each === 'string' || typeof each?.specFor !== 'function')
          return [
            `\`limits\` names ${JSON.stringify(each)}; the provider has ${all.map(({ name }) => name).join(', ') || 'none'}`,
          ];
        else {
          all.push({ ...each, endpoints: each.endpoints ?? calls });
          given.push(each);
        }
        return [];
      });
    },
  };
}

/** Limits that rules name and that there are not, in words. A name that a function of one's own gives is seen when it gives it. */
export function unknownInRules(classify: Classify | undefined, all: readonly LimitDeclaration[]): string[] {
  return [...new Set(classify?.limits)].flatMap((limit) => unknownLimit(limit, all) ?? []);
}

/** What is wrong with a limit that a rule names, in words. */
export function unknownLimit(named: string, all: readonly LimitDeclaration[]): string | undefined {
  if (all.some(({ name }) => name === named)) return undefined;
  return `a rule names the limit ${JSON.stringify(named)}; the provider has ${all.map(({ name }) => name).join(', ') || 'none'}`;
}

function alsoOf(limit: LimitDeclaration, calls: readonly string[]): LimitDeclaration {
  const { endpoints, except, ...rest } = limit;
  return {
    ...rest,
    ...(endpoints ? { endpoints: [...endpoints, ...calls] } : {}),
    ...(except ? { except: except.filter((name) => !calls.includes(name)) } : {}),
  };
}
