/** One account as `sluice accounts show` prints it. */
import { quotedForShell } from '../../contracts/values/shell-word.ts';
import type { AccountDetails, AccountSync, TokenState } from '../../client/index.ts';
import { liveToken, NO_CREDENTIALS, NO_TOKEN } from '../../contracts/account.ts';
import { duration } from '../../contracts/values/duration.ts';
import { counted } from '../../contracts/limits/limit-words.ts';

/** @param name `provider/account`, or the account alone. */
export function unknownAccountText(name: string): string {
  return `${name}  unknown: no such account; \`npx sluice accounts list\` names those that there are`;
}

export function accountText(details: AccountDetails): string {
  const { provider, account, tenant, status, since, reason, keys, waits, syncs, scheduled } = details;
  const standing = status === 'none' ? 'not connected' : `${status} since ${since}`;
  const lines = [
    [`${provider}/${account}`, standing, tenant === null ? '' : `tenant ${tenant}`].filter(Boolean).join('  '),
  ];
  if (status === 'needs_reconnect')
    lines.push(`  its user must connect it again${reason === null ? '' : `: ${reason}`}`);
  const token = liveToken(details);
  if (token !== null) lines.push(`  token  ${tokenText(token)}`);
  else if (status === 'connected') lines.push(`  token  none: ${NO_CREDENTIALS}`);
  lines.push(...syncs.flatMap(syncLines));
  lines.push(...scheduled.map(({ sync, nextRunAt }) => `  ${sync}  not run yet; next run ${nextRunAt}`));
  if (keys.length > 0) lines.push(`  waits for ${keys.join(', ')}`);
  // A text of Temporal begins with the workflow's name already.
  lines.push(
    ...waits.map(({ workflowId, text }) => `    ${text.startsWith(workflowId) ? text : `${workflowId}: ${text}`}`),
  );
  return lines.join('\n');
}

function tokenText({ state, endsAt, failures, failure, retryAt }: TokenState): string {
  if (state === 'none') return `none so far: ${NO_TOKEN}`;
  if (state === 'valid') return endsAt === null ? 'valid; nobody said when it ends' : `valid, ends ${endsAt}`;
  if (state === 'ended') return `ended ${endsAt}; the next call refreshes it`;
  const next = retryAt === null ? 'with the next call' : `not before ${retryAt}`;
  return `${failures === 1 ? 'the last refresh' : `${failures} refreshes in a row`} failed${failure === null ? '' : ` (${failure})`}, tried again ${next}${endsAt === null ? '' : `; its end is ${endsAt}`}`;
}

function syncLines({
  sync,
  workflowId,
  state,
  startedAt,
  endedAt,
  lastGood,
  ageMs,
  nextRunAt,
  flaws,
  quarantined,
}: AccountSync) {
  const newest = endedAt === null ? `${state} since ${startedAt}` : `${state} at ${endedAt}`;
  const good =
    lastGood === null || ageMs === null
      ? 'no good run yet'
      : state === 'done'
        ? `good, ${duration(ageMs)} old`
        : `last good run ${lastGood.endedAt}, ${duration(ageMs)} old`;
  const next = nextRunAt === null ? '' : `; next run ${nextRunAt}`;
  const open = [
    ...(flaws > 0
      ? [`${counted(flaws, 'list')} not read to the end: npx sluice status ${quotedForShell(workflowId)} --flaws`]
      : []),
    ...(quarantined > 0 ? [`${counted(quarantined, 'row')} in quarantine: npx sluice quarantine list`] : []),
  ];
  return [`  ${sync}  ${newest}; ${good}${next}`, ...open.map((line) => `    ${line}`)];
}
