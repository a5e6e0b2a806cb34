import type { Mutant } from './mutant.js';

/** Faults of the pool, each of which the seeded lives or a test of the pool must notice. */
export const poolMutants: readonly Mutant[] = [
  {
    name: 'a lease can be settled twice',
    file: 'pool/lease.ts',
    find: 'if (this.#outcome !== undefined) return false;',
    becomes: '',
  },
  {
    name: 'a settled lease keeps its place',
    file: 'pool/dispatcher.ts',
    find: 'this.#options.store.ledger.release(lease.parts.row);',
    becomes: '',
  },
  {
    name: 'a suspension holds nobody back',
    file: 'ledger/suspensions.ts',
    find: 'if (suspension.until > now) return suspension.until;',
    becomes: 'if (suspension.until > now) return 0;',
  },
  {
    name: 'a run forgets what it tried',
    file: 'pool/run.ts',
    find: 'this.#tried.add(lease.endpoint.id);',
    becomes: '',
  },
  {
    name: 'a stale lease unbinds a newer pin',
    file: 'ledger/pins.ts',
    find: '(expected !== undefined && pin.generation !== expected)',
    becomes: 'false',
  },
  {
    name: 'a paced pair is used as often as one likes',
    file: 'ledger/ledger.ts',
    find: 'spend(pace, key, target, emissionMs, now);',
    becomes: '',
  },
  {
    name: "an endpoint's own limit is not read",
    file: 'kernel/table.ts',
    find: 'Math.min(MOST_IN_FLIGHT, spec.maxInFlight)',
    becomes: 'MOST_IN_FLIGHT',
  },
  {
    name: 'every method may be sent twice',
    file: 'pool/request.ts',
    find: 'return idempotent ?? IDEMPOTENT.has(method.toUpperCase());',
    becomes: 'return idempotent ?? method !== IDEMPOTENT.size.toString();',
  },
  {
    name: 'nobody in the line ever expires',
    file: 'pool/waiters.ts',
    find: 'if (waiter.deadline <= now) this.#failOne(waiter, reason(waiter));',
    becomes: 'if (waiter.deadline <= -1) this.#failOne(waiter, reason(waiter));',
  },
  {
    name: 'a listener that throws breaks a settle',
    file: 'pool/events.ts',
    find: "if (name !== 'listener-error') this.emit('listener-error', { event: name, error });",
    becomes: 'throw error;',
  },
  {
    name: 'the row of a removed endpoint is given away with leases out on it',
    file: 'pool/membership.ts',
    find: ' || this.#ledger.inFlight(row) > 0) return;',
    becomes: ') return;',
  },
  {
    name: 'a lease without life is left alone',
    file: 'pool/dispatcher.ts',
    find: 'for (const lease of this.live.takeDue(now)) {',
    becomes: 'for (const lease of this.live.takeDue(-1)) {',
  },
  {
    name: 'a place that returns is offered to nobody',
    file: 'pool/dispatcher.ts',
    find: 'if (this.line.size > 0) this.line.serve();',
    becomes: '',
  },
  {
    name: 'an endpoint that cools is leased all the same',
    file: 'kernel/rest.ts',
    find: 'setStanding(state, row, Standing.cooling, now);',
    becomes: '',
  },
  {
    name: 'a held endpoint is leased all the same',
    file: 'kernel/kernel.ts',
    find: 'if (table.standing[row] !== Standing.retired) setStanding(state, row, Standing.held, now);',
    becomes: '',
  },
  {
    name: 'a lease that was taken off the list is taken off twice',
    file: 'pool/live-list.ts',
    find: 'if (item.slot < 0) return;',
    becomes: '',
  },
  {
    name: 'an aborted caller stays in the line',
    file: 'pool/wait.ts',
    find: 'dispatcher.line.leave(waiter);',
    becomes: '',
  },
  {
    name: 'the attempts of a request that was called off stay out',
    file: 'pool/attempt-loop.ts',
    find: 'this.#cancelRest();',
    becomes: '',
  },
  {
    name: 'a request that was called off goes on',
    file: 'pool/attempt-loop.ts',
    find: "signal.addEventListener('abort', abort);",
    becomes: '',
  },
  {
    name: 'a proxy prints its password',
    file: 'proxy-url.ts',
    find: 'return `ProxyUrl(${this.toString()})`;',
    becomes: 'return `ProxyUrl(${this.#credentials?.password}@${this.toString()})`;',
  },
];
