/** What `sluice doctor` prints: what is wrong last, where a person looks first. */
import type { Finding } from '../../contracts/operate/finding.ts';
import { counted } from '../../contracts/limits/limit-words.ts';

const ORDER = ['ok', 'unknown', 'advice', 'wrong'] as const satisfies readonly Finding['status'][];
const WIDTH = Math.max(...ORDER.map((status) => status.length));

export function findingsText(findings: readonly Finding[]): string {
  const sorted = ORDER.flatMap((status) => findings.filter((found) => found.status === status));
  const wrong = findings.filter(({ status }) => status === 'wrong').length;
  const end =
    wrong === 0
      ? `Nothing is wrong; ${counted(findings.length, 'thing')} looked at.`
      : `${counted(wrong, 'thing')} wrong.`;
  return [...sorted.map(findingText), end].join('\n');
}

function findingText({ check, status, found, wanted, todo }: Finding): string {
  const head = `${status.padEnd(WIDTH)}  ${check}: ${found}`;
  if (status === 'ok') return head;
  const more = [`wanted: ${wanted}`, ...(todo === undefined ? [] : [`do: ${todo}`])];
  return [head, ...more.map((line) => `${' '.repeat(WIDTH + 2)}  ${line}`)].join('\n');
}
