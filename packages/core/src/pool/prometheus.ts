import type { Pool } from './pool.js';
import type { EndpointStats } from './stats.js';

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
  const one = (value: number): Metric['samples'] => [[{}, value]];
  const each = (read: (endpoint: EndpointStats) => number): Metric['samples'] =>
    stats.endpoints.map((endpoint) => [{ endpoint: endpoint.id }, read(endpoint)]);
  const errors = stats.endpoints.flatMap(({ id, errors }) =>
    Object.entries(errors).map(([code, count]): Metric['samples'][number] => [{ endpoint: id, code }, count]),
  );
  return [
    gauge(
      'fairlead_proxies',
      'Proxies by standing.',
      Object.entries(stats.proxies)
        .filter(([key]) => key !== 'total')
        .map(([standing, value]) => [{ standing }, value]),
    ),
    gauge('fairlead_in_flight', 'Leases that are out.', one(stats.inFlight)),
    gauge('fairlead_waiting', 'Callers in the waiting line.', one(stats.waiting)),
    gauge('fairlead_sessions', 'Sessions that keep an exit.', one(stats.sessions)),
    counter('fairlead_rerouted_total', 'Attempts repeated before anything was sent.', one(stats.rerouted)),
    counter('fairlead_replayed_total', 'Attempts repeated after something may have been sent.', one(stats.replayed)),
    counter('fairlead_hedged_total', 'Second attempts beside a late first.', one(stats.hedged)),
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
