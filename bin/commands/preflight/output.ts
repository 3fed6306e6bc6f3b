import type { Caller } from './account.ts';
import type { Finding } from './preflight.ts';

export interface Report {
  readonly stackName: string;
  readonly caller: Caller;
  readonly findings: readonly Finding[];
}

/** Lines of at most this many characters, and fewer on a narrow terminal. */
const maxColumns = 110;
const minTextColumns = 40;

/** A table for people. */
export const asTable = ({ stackName, caller, findings }: Report, columns = maxColumns): string => {
  const nameWidth = Math.max(...findings.map(({ check }) => check.length));
  const resultWidth = Math.max(...findings.map(({ result }) => result.length));
  const margin = resultWidth + 2 + nameWidth + 2;
  const textWidth = Math.max(minTextColumns, Math.min(columns, maxColumns) - margin);
  const rows = findings.flatMap(({ check, result, finding, ...rest }) => {
    const advice =
      'advice' in rest && rest.advice !== undefined ? wrap(`-> ${rest.advice}`, textWidth, '   ') : [];
    const [first = '', ...more] = [...wrap(finding, textWidth, ''), ...advice];
    const label = `${(result === 'fails' ? 'FAILS' : result).padEnd(resultWidth)}  ${check.padEnd(nameWidth)}`;
    return [`${label}  ${first}`, ...more.map((line) => `${' '.repeat(margin)}${line}`)];
  });
  const { account, region, arn } = caller;
  return [
    `${stackName} in account ${account}, region ${region}, as ${arn}`,
    '',
    ...rows,
    '',
    summaryOf(findings),
    '',
  ].join('\n');
};

const summaryOf = (findings: readonly Finding[]): string => {
  const count = (result: Finding['result']): number =>
    findings.filter((finding) => finding.result === result).length;
  const counts = `${count('ok')} ok, ${count('surprise')} surprising, ${count('unknown')} unknown`;
  if (count('fails') > 0)
    return `A deployment would fail: ${count('fails')} of ${findings.length} checks (${counts}).`;
  if (count('unknown') > 0) return `Not everything could be checked (${counts}). Nothing is known to fail.`;
  return `Nothing is known that would fail (${counts}).`;
};

/** Breaks at spaces. A word that is longer than a line gets one of its own. */
const wrap = (text: string, width: number, indent: string): readonly string[] => {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines.splice(-1, 1, `${last} ${word}`);
    else lines.push(lines.length === 0 ? word : `${indent}${word}`);
  }
  return lines;
};

/** An object for programs. */
export const asJson = ({ stackName, caller, findings }: Report): string =>
  `${JSON.stringify({ stackName, ...caller, checks: findings }, undefined, 2)}\n`;
