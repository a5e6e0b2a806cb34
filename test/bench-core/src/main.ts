import { bytesPerEndpoint } from './bytes.js';
import { benchFleet, kernelLedgerSubject, kernelSubject } from './kernel-subject.js';
import { p99Micros, pairsPerSecond } from './measure.js';
import { naiveSubject } from './naive-subject.js';
import { tryAcquireSubject } from './try-acquire-subject.js';

const SIZES = [100, 10_000, 1_000_000];
/** A million parsed URLs are a test of memory, not of the pool. */
const POOL_SIZES = [100, 10_000];

type BySize = Record<string, number>;

/** What `--json` prints. */
interface Report {
  readonly kernel: BySize;
  readonly kernelLedger: BySize;
  readonly tryAcquire: BySize;
  readonly p99Micros: BySize;
  readonly bytesPerEndpoint: number;
  readonly naive: BySize;
}

function measure(): Report {
  const bytes = bytesPerEndpoint(1_000_000);
  const report: Report = {
    kernel: {},
    kernelLedger: {},
    tryAcquire: {},
    p99Micros: {},
    bytesPerEndpoint: round(bytes),
    naive: {},
  };
  for (const size of SIZES) {
    report.kernel[size] = pairsPerSecond(kernelSubject(benchFleet(size)));
    const whole = kernelLedgerSubject(benchFleet(size));
    report.kernelLedger[size] = pairsPerSecond(whole);
    report.p99Micros[size] = round(p99Micros(whole));
    report.naive[size] = pairsPerSecond(naiveSubject(size));
  }
  for (const size of POOL_SIZES) report.tryAcquire[size] = pairsPerSecond(tryAcquireSubject(size));
  return report;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function table(report: Report): string {
  const rows = [['endpoints', ...SIZES.map((size) => size.toLocaleString('en'))]];
  for (const name of ['kernel', 'kernelLedger', 'tryAcquire', 'naive', 'p99Micros'] as const) {
    rows.push([name, ...SIZES.map((size) => report[name][size]?.toLocaleString('en') ?? '')]);
  }
  const lines = rows.map(([name, ...cells]) => name!.padEnd(14) + cells.map((cell) => cell.padStart(12)).join(''));
  return [...lines, `bytes an endpoint: ${report.bytesPerEndpoint}`].join('\n');
}

const report = measure();
process.stdout.write(`${process.argv.includes('--json') ? JSON.stringify(report) : table(report)}\n`);
