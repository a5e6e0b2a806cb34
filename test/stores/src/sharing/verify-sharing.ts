// `npm run verify:sharing -- --json`: four processes over one Redis server, through every fault, judged by what they wrote down.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FAULTS, runCell, type Cell, type Fault } from './matrix.js';
import type { WhenDown } from '@fairlead/redis';

const GRANTS = Number(process.env['SHARING_GRANTS'] ?? 20_000);
const RECOVERY_MS = 3_000;
const only = process.argv.find((word) => word.startsWith('--only='))?.slice('--only='.length);
const folder = mkdtempSync(join(tmpdir(), 'fairlead-sharing-'));

const judged: [Fault, WhenDown][] = FAULTS.flatMap((fault): [Fault, WhenDown][] => [
  [fault, 'closed'],
  [fault, 'partition'],
]);
const more: [Fault, WhenDown][] = [
  ['one cut off', 'closed'],
  ['one cut off', 'partition'],
  ['black hole', 'open'],
];

try {
  const cells = await runAll(judged);
  const others = await runAll(more);
  const sum = (read: (cell: Cell) => number): number => cells.reduce((total, cell) => total + read(cell), 0);
  const report = {
    grants: sum(({ grants }) => grants),
    oversubscribed: sum(({ oversubscribed }) => oversubscribed),
    paceViolations: sum(({ paceViolations }) => paceViolations),
    orphansAfterTtl: sum(({ orphansAfterTtl }) => orphansAfterTtl),
    softCountError: sum(({ softCountError }) => softCountError),
    worstRecoveryMs: Math.max(...cells.map(({ recoveryMs }) => recoveryMs)),
    cells: cells.length,
    stalls: sum(({ stalls }) => stalls),
    fewestGrants: Math.min(...cells.map(({ grants }) => grants)),
    reported: Object.fromEntries(others.map((cell) => [`${cell.fault}, ${cell.whenDown}`, cell])),
  };
  process.stdout.write(`${JSON.stringify(report, undefined, process.argv.includes('--json') ? 0 : 2)}\n`);
  const cutOff = others.find(({ fault, whenDown }) => fault === 'one cut off' && whenDown === 'closed');
  const wrong =
    report.oversubscribed +
    report.paceViolations +
    report.orphansAfterTtl +
    report.softCountError +
    (cutOff?.oversubscribed ?? 0);
  const whole = only !== undefined || report.cells === judged.length;
  const enough = cells.every((cell) => cell.grants >= GRANTS);
  process.exitCode = wrong === 0 && whole && enough && report.worstRecoveryMs <= RECOVERY_MS ? 0 : 1;
} finally {
  if (process.env['SHARING_KEEP'] === undefined) rmSync(folder, { recursive: true, force: true });
  else process.stderr.write(`${folder}\n`);
}

async function runAll(wanted: readonly [Fault, WhenDown][]): Promise<Cell[]> {
  const cells: Cell[] = [];
  for (const [fault, whenDown] of wanted) {
    if (only !== undefined && !`${fault}, ${whenDown}`.includes(only)) continue;
    const cell = await runCell(fault, whenDown, GRANTS, folder);
    process.stderr.write(`${JSON.stringify(cell)}\n`);
    cells.push(cell);
  }
  return cells;
}
