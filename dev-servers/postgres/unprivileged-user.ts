/**
 * Postgres refuses to run as root. A process of root's runs it as another user of the machine.
 */
import { execFileSync } from 'node:child_process';

export interface UnprivilegedUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * `postgres`, else `nobody`; undefined when this process is not root's, and may run Postgres as itself.
 * @throws Error when the machine has neither.
 */
export function unprivilegedUser(): UnprivilegedUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ['postgres', 'nobody']) {
    try {
      const [uid, gid] = ['-u', '-g'].map((flag) =>
        Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })),
      );
      if (uid !== undefined && gid !== undefined) return { name, uid, gid };
    } catch {
      // no such user: try the next name
    }
  }
  throw new Error(
    'Postgres does not run as root, and this machine has neither a user "postgres" nor "nobody" to run it as. ' +
      'Add one (useradd postgres), run Sluice as another user, or set DATABASE_URL.',
  );
}
