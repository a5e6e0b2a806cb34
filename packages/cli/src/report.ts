import type { Probed } from './probe.js';

const COLUMNS = ['proxy', 'live', 'protocol', 'latencyMs', 'status', 'error'] as const satisfies (keyof Probed)[];

/** A table for people: the quickest first, the dead last. */
export function asTable(probed: readonly Probed[]): string {
  const rows = [...probed]
    .sort((a, b) => (a.latencyMs ?? Number.POSITIVE_INFINITY) - (b.latencyMs ?? Number.POSITIVE_INFINITY))
    .map(({ proxy, live, protocol, latencyMs, error }) => [
      proxy,
      live ? 'live' : 'dead',
      protocol ?? '-',
      latencyMs === undefined ? '-' : `${latencyMs} ms`,
      error ?? '',
    ]);
  const all = [['proxy', 'state', 'protocol', 'latency', 'error'], ...rows];
  const widths = all[0]!.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  return `${all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')}\n`;
}

/** In the order of the list. */
export function asCsv(probed: readonly Probed[]): string {
  const lines = probed.map((one) => COLUMNS.map((column) => cell(one[column])).join(','));
  return `${[COLUMNS.join(','), ...lines].join('\n')}\n`;
}

function cell(value: string | number | boolean | undefined): string {
  const text = String(value ?? '');
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
