/**
 * CPU time and memory of process trees, from /proc (Linux only; NaN elsewhere).
 */
import { readdirSync, readFileSync } from 'node:fs';

/** Ticks of /proc/PID/stat a second: fixed at 100 in the kernel's interface to programs. */
const TICKS_PER_SECOND = 100;

/** Seconds of CPU that a process, its descendants, and those of them that have ended, have used. */
export function cpuSeconds(pid: number): number {
  const children = new Map<string, string[]>();
  for (const name of processIds()) {
    const parent = statOf(name)?.[1];
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), name]);
  }
  const ticks = (id: string): number => {
    const stat = statOf(id);
    if (stat === undefined) return 0;
    const own = stat.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    return (children.get(id) ?? []).reduce((sum, child) => sum + ticks(child), own);
  };
  return process.platform === 'linux' ? ticks(String(pid)) / TICKS_PER_SECOND : Number.NaN;
}

/** Resident memory of one process in MiB. */
export function residentMiB(pid: number): number {
  try {
    const found = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return Number(found?.[1]) / 1024;
  } catch {
    return Number.NaN; // it has ended, or this is not Linux
  }
}

/** The parent of a process. */
export function parentOf(pid: number): number {
  return Number(statOf(String(pid))?.[1] ?? Number.NaN);
}

function processIds(): string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return []; // not Linux
  }
}

/** The fields after the command's name: state, parent, … */
function statOf(id: string): string[] | undefined {
  try {
    return readFileSync(`/proc/${id}/stat`, 'utf8').split(') ').at(-1)?.split(' ');
  } catch {
    return undefined; // ended meanwhile
  }
}
