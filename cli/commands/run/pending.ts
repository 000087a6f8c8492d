/**
 * `sluice actions pending <entity>`: the operation that works on an entity, and those that wait for it. Next:
 * `db/stores/action/entity-lock-store.ts`.
 */
import type { Command } from 'commander';
import type { PendingOperation } from '../../../client/index.ts';
import { duration } from '../../../contracts/values/duration.ts';
import { jsonOption } from '../../options.ts';
import { withClient } from '../../with-client.ts';

export function registerPending(actions: Command): void {
  actions
    .command('pending <entity>')
    .description('what works on an entity (as `conflicts` names it), and what waits for it, in order')
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  npx sluice actions pending note/42')
    .action((entity: string, { json }: { readonly json?: boolean }) =>
      withClient(async (sluice) => {
        const operations = await sluice.pending(entity);
        if (json) console.log(JSON.stringify(operations));
        else
          console.log(operations.length === 0 ? `Nothing is pending on "${entity}".` : operations.map(line).join('\n'));
      }),
    );
}

function line({
  position,
  name,
  account,
  startedBy,
  workflowId,
  requestedAt,
  acquiredAt,
  isCancelled,
}: PendingOperation) {
  const lasting = (since: string): string => `for ${duration(Date.now() - Date.parse(since))}`;
  const standing = acquiredAt === null ? `waits ${lasting(requestedAt)}` : `at work ${lasting(acquiredAt)}`;
  const unwanted = isCancelled ? '; a later operation has asked for its end' : '';
  return `${position}  ${standing}${unwanted}  ${name}  ${account}  by ${startedBy}  ${workflowId}`;
}
