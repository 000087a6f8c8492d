/** What was erased of an account, and what is left, as people read it. Used by: `cli/commands/operate/accounts.ts`. */
import type { ErasureProof, ErasureRest } from '../../client/index.ts';
import { unknownAccountText } from './account.ts';

const REVOCATIONS = {
  told: 'the third party was told that its token is not wanted any more',
  waiting: 'a worker is still to tell the third party that its token is not wanted any more: run this again',
  'not-told': 'the third party could not be told, or the provider does not say how: its token ends by itself',
  none: 'there was no token',
} satisfies Record<ErasureProof['revocation'], string>;

export function proofText(proof: ErasureProof): string {
  const { provider, account, wasKnown, at, stopped, revocation, deleted, histories, left, kept, isComplete } = proof;
  if (!wasKnown) return unknownAccountText(`${provider}/${account}`);
  return [
    `${provider}/${account}  ${isComplete ? 'erased' : 'not erased wholly: run this again'}  ${at}`,
    `  stopped: ${stopped.ended} ended, ${stopped.terminated} terminated`,
    `  token: ${REVOCATIONS[revocation]}`,
    `  deleted: ${counts(deleted)}; ${historiesText(histories)} at Temporal`,
    `  left: ${restLines(left)}`,
    `  kept, by age: ${counts(kept)} (who did what, without what the account had)`,
  ].join('\n');
}

export function isNothing({ rows, histories, schedules }: ErasureRest): boolean {
  return [Object.values(rows), histories, schedules].every(({ length }) => length === 0);
}

/** Before anything is erased. */
export function restText(name: string, rest: ErasureRest): string {
  if (isNothing(rest)) return unknownAccountText(name);
  return `${name}  stored: ${restLines(rest)}\nNothing was changed. \`--yes\` erases it.`;
}

function restLines({ rows, histories, schedules }: ErasureRest): string {
  return [
    counts(rows),
    ...(histories.length === 0 ? [] : [`${historiesText(histories.length)}, e.g. ${histories[0]}`]),
    ...(schedules.length === 0 ? [] : [`schedules that start it again: ${schedules.join(', ')}`]),
  ].join('; ');
}

const historiesText = (count: number): string => `${count} ${count === 1 ? 'history' : 'histories'}`;

function counts(rows: Readonly<Record<string, number>>): string {
  const found = Object.entries(rows).map(([table, count]) => `${count} ${table}`);
  return found.length === 0 ? 'no rows' : found.join(', ');
}
