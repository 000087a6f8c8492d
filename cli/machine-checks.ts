/**
 * What `sluice doctor` can see on this machine alone: Node, the worker's settings, the module that a worker would serve. Used by
 * `cli/commands/doctor.ts`.
 */
import { counted } from '../contracts/limits/limit-words.ts';
import { finding, type Check, type Finding } from '../contracts/operate/finding.ts';

/** As `engines` in package.json says. */
const OLDEST_NODE = [20, 19] as const;

const NODE: Check = {
  check: 'node',
  wanted: `Node ${OLDEST_NODE.join('.')} or later`,
  todo: 'Install a newer Node, here and where the workers run.',
};
const SETTINGS: Check = {
  check: 'worker-settings',
  wanted: 'settings that a worker understands',
  todo: 'Correct the variables that are named; docs/operate/deploy.md lists them all.',
};
const MODULE: Check = {
  check: 'module',
  wanted: 'a file that exports syncs, actions or sagas, each name once',
  todo: 'Do what is said of it; `--module` names another file.',
};
const TYPESCRIPT: Check = {
  check: 'typescript',
  wanted: 'a reader of TypeScript: `tsx` in the project, or Node 22.18 or later',
  todo: '`npm install --save-dev tsx`, or name built JavaScript by `--module`.',
};

/** @param version as `process.versions.node` has it. */
export function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isOld = major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1]);
  return finding(NODE, isOld ? 'wrong' : 'ok', `Node ${version}`);
}

/** @param read reads the settings, and throws a sentence. */
export function checkSettings(read: () => unknown): Finding {
  try {
    read();
    return finding(SETTINGS, 'ok', 'understood');
  } catch (error) {
    return finding(SETTINGS, 'wrong', (error as Error).message);
  }
}

/** @param load loads the module, and throws a sentence. @param isNamed false: where none is found, none is wanted. */
export async function checkModule(
  load: () => Promise<Record<'syncs' | 'actions' | 'sagas', readonly unknown[]>>,
  isNamed: boolean,
): Promise<Finding> {
  try {
    const { syncs, actions, sagas } = await load();
    return finding(
      MODULE,
      'ok',
      `${counted(syncs.length, 'sync')}, ${counted(actions.length, 'action')}, ${counted(sagas.length, 'saga')}`,
    );
  } catch (error) {
    const { message } = error as Error;
    if (!isNamed && message.startsWith('No module was named'))
      return finding({ ...MODULE, todo: 'Name it by `--module`.' }, 'unknown', 'none was named, and none is here');
    return finding(/ is TypeScript, which /.test(message) ? TYPESCRIPT : MODULE, 'wrong', message);
  }
}
