import type { EndpointStats, PoolStats } from '@fairlead/core';

const HEAD = ['proxy', 'attempts', 'share', 'p50 ms', 'p95 ms', 'errors'];

/** Share, latency and errors per proxy, in columns. */
export function table(stats: PoolStats, labels: readonly string[]): string {
  const rows = stats.endpoints.map((endpoint, index) => row(endpoint, labels[index] ?? endpoint.id, stats.succeeded));
  const widths = HEAD.map((head, column) => Math.max(head.length, ...rows.map((cells) => cells[column]!.length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd();
  return [line(HEAD), widths.map((width) => '─'.repeat(width)).join('  '), ...rows.map(line)].join('\n');
}

function row(endpoint: EndpointStats, label: string, succeeded: number): string[] {
  const share = succeeded === 0 ? 0 : (100 * endpoint.succeeded) / succeeded;
  const errors = Object.entries(endpoint.errors).map(([code, count]) => `${count} ${code}`);
  return [
    label,
    String(endpoint.attempts),
    `${share.toFixed(1)} %`,
    endpoint.latencyP50?.toFixed(1) ?? '–',
    endpoint.latencyP95?.toFixed(1) ?? '–',
    errors.join(', ') || '–',
  ];
}
