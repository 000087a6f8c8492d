/**
 * Sluice's search attributes in a namespace: what the Temporal Web UI can filter by. A workflow that sets one which is
 * not registered does not start.
 */
import type { Connection } from '@temporalio/client';
import { searchAttributes } from '../../contracts/names.ts';

/** All are of type Keyword: exact matches. */
export const searchAttributeNames: readonly string[] = Object.values(searchAttributes);

// temporal.api.enums.v1.IndexedValueType
const KEYWORD = 2;

/**
 * Registers the ones that the namespace lacks.
 * @returns the names that were added; empty when all were there.
 * @throws Error with the commands for an administrator, when this client may not add them.
 */
export async function registerSearchAttributes(
  connection: Pick<Connection, 'operatorService'>,
  namespace: string,
): Promise<string[]> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const missing = searchAttributeNames.filter((name) => customAttributes[name] === undefined);
  if (missing.length === 0) return [];
  try {
    await connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(missing.map((name) => [name, KEYWORD])),
    });
  } catch (cause) {
    const flags = missing.map((name) => `--name ${name} --type Keyword`).join(' ');
    throw new Error(
      `The Temporal namespace "${namespace}" lacks the search attributes ${missing.join(', ')}, and they could not be ` +
        `added (${(cause as Error).message}). Let an administrator run: ` +
        `temporal operator search-attribute create --namespace ${namespace} ${flags}`,
      { cause },
    );
  }
  return missing;
}
