import type { LabelStats } from './counters.js';
import type { Pool } from './pool.js';
import type { EndpointStats, PoolStats } from './stats.js';

interface Metric {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly samples: readonly (readonly [labels: Readonly<Record<string, string>>, value: number])[];
}

/** The pool's numbers in Prometheus's text format, for whatever endpoint the user serves. Labels name endpoints by id. */
export function prometheus(pool: Pool): string {
  return `${metricsOf(pool).map(render).join('\n')}\n`;
}

function metricsOf(pool: Pool): Metric[] {
  const stats = pool.stats();
  return [...gauges(stats), ...totals(stats), ...byEndpoint(stats), ...byLabel(stats)];
}

function gauges(stats: PoolStats): Metric[] {
  const standings = Object.entries(stats.proxies).filter(([key]) => key !== 'total');
  const waiting = (['pending', 'delayed'] as const).map((state) => [{ state }, stats.tasks[state]] as const);
  return [
    gauge(
      'fairlead_proxies',
      'Proxies by standing.',
      standings.map(([standing, value]) => [{ standing }, value]),
    ),
    gauge('fairlead_in_flight', 'Leases that are out.', one(stats.inFlight)),
    gauge('fairlead_waiting', 'Callers in the waiting line.', one(stats.waiting)),
    gauge('fairlead_tasks', 'Requests that wait: for a place, or for a moment that is known.', waiting),
    gauge('fairlead_sessions', 'Sessions that keep an exit.', one(stats.activeSessions)),
    gauge('fairlead_breakers_open', 'Targets that seem down.', one(stats.breakersOpen)),
  ];
}

function totals(stats: PoolStats): Metric[] {
  const ended = (['completed', 'failed'] as const).map((end) => [{ end }, stats.tasks[end]] as const);
  const skipped = Object.entries(stats.skipped).map(([reason, value]) => [{ reason }, value] as const);
  return [
    counter('fairlead_requests_total', 'Requests that have ended: with an answer, or without.', ended),
    counter('fairlead_dispatched_total', 'Leases given out.', one(stats.dispatched)),
    counter('fairlead_zero_available_total', 'Requests that found no proxy at once.', one(stats.zeroAvailable)),
    counter('fairlead_skipped_total', 'Requests put off, by what was in the way.', skipped),
    counter('fairlead_bytes_total', 'Bytes the pool was told of.', one(stats.bytes)),
    counter('fairlead_rerouted_total', 'Attempts repeated before anything was sent.', one(stats.rerouted)),
    counter('fairlead_replayed_total', 'Attempts repeated after something may have been sent.', one(stats.replayed)),
    counter('fairlead_hedged_total', 'Second attempts beside a late first.', one(stats.hedged)),
    counter('fairlead_raced_total', 'Paths sent beside a first, as a race.', one(stats.raced)),
  ];
}

function byEndpoint({ endpoints }: PoolStats): Metric[] {
  const each = (read: (endpoint: EndpointStats) => number): Metric['samples'] =>
    endpoints.map((endpoint) => [{ endpoint: endpoint.id }, read(endpoint)]);
  const errors = endpoints.flatMap(({ id, errors }) =>
    Object.entries(errors).map(([code, count]): Metric['samples'][number] => [{ endpoint: id, code }, count]),
  );
  return [
    counter(
      'fairlead_attempts_total',
      'Attempts settled.',
      each(({ attempts }) => attempts),
    ),
    counter(
      'fairlead_successes_total',
      'Attempts that brought the answer.',
      each(({ succeeded }) => succeeded),
    ),
    counter('fairlead_errors_total', 'Attempts that did not, by code or status.', errors),
  ];
}

function byLabel({ labels }: PoolStats): Metric[] {
  const each = (read: (counts: LabelStats) => number): Metric['samples'] =>
    Object.entries(labels).map(([label, counts]) => [{ label }, read(counts)]);
  return [
    counter(
      'fairlead_label_attempts_total',
      'Attempts settled, by the label of their request.',
      each(({ attempts }) => attempts),
    ),
    counter(
      'fairlead_label_successes_total',
      'Attempts that brought the answer, by the label of their request.',
      each(({ succeeded }) => succeeded),
    ),
  ];
}

function one(value: number): Metric['samples'] {
  return [[{}, value]];
}

function gauge(name: string, help: string, samples: Metric['samples']): Metric {
  return { name, type: 'gauge', help, samples };
}

function counter(name: string, help: string, samples: Metric['samples']): Metric {
  return { name, type: 'counter', help, samples };
}

function render({ name, type, help, samples }: Metric): string {
  const lines = samples.map(([labels, value]) => `${name}${renderLabels(labels)} ${value}`);
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines].join('\n');
}

function renderLabels(labels: Readonly<Record<string, string>>): string {
  const parts = Object.entries(labels).map(([key, value]) => `${key}="${escape(value)}"`);
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

function escape(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
