import type { PolicyResult, ScenarioResult } from './experiment.js';
import type { Estimate } from './statistics.js';

/** One policy, a line for each scenario. */
export function policyTable(result: PolicyResult): string {
  const head = ['scenario', 'ratio', 'p50', 'p95', 'p99', 'att/succ', 'rej/100', 'failed', 'recovery'];
  const rows = result.scenarios.map((one) => [
    one.scenario,
    show(one.ratio),
    ...[one.p50, one.p95, one.p99].map((ms) => `${Math.round(ms)} ms`),
    one.attemptsPerSuccess.toFixed(2),
    one.rejectionsPer100.toFixed(2),
    one.failed.toFixed(1),
    one.recoverySeconds === undefined ? '' : `${one.recoverySeconds} s`,
  ]);
  return `${align([head, ...rows])}\ngeometric mean ${show(result.geomean)} (${result.policy})\n`;
}

/** Many policies, a column for each scenario. */
export function comparisonTable(results: readonly PolicyResult[]): string {
  const names = results[0]?.scenarios.map(({ scenario }) => scenario) ?? [];
  const rows = results.map(({ policy, geomean, scenarios }) => [
    policy,
    show(geomean),
    ...scenarios.map(({ ratio }) => ratio.mean.toFixed(2)),
  ]);
  return `${align([['policy', 'geo mean', ...names], ...rows])}\n`;
}

/** The machine's form: exactly these keys. */
export function policyJson({ geomean, scenarios }: PolicyResult): object {
  return {
    geomean: round(geomean.mean),
    ci: round(geomean.ci),
    scenarios: Object.fromEntries(scenarios.map((one) => [one.scenario, scenarioJson(one)])),
  };
}

function scenarioJson(one: ScenarioResult): object {
  return {
    ratio: round(one.ratio.mean),
    ci: round(one.ratio.ci),
    p95: Math.round(one.p95),
    attemptsPerSuccess: round(one.attemptsPerSuccess),
    rejectionsPer100: round(one.rejectionsPer100),
    failed: round(one.failed),
  };
}

function round(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}

function show({ mean, ci }: Estimate): string {
  return Number.isNaN(ci) ? mean.toFixed(3) : `${mean.toFixed(3)} ± ${ci.toFixed(3)}`;
}

function align(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) => row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))))
    .map((cells) => cells.join('  ').trimEnd())
    .join('\n');
}
