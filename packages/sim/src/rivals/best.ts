import type { Player } from '../player.js';

const UNKNOWN_MS = 50;
const PER_CONNECTION_MS = 50;
const ALPHA = 0.25;
const OFFLINE_MS = 30_000;

/** http-proxy-lb's `best`: least (latency EMA + 50 ms per connection) among those online; one failure takes offline. */
export function best(size: number): Player {
  const ema = new Float64Array(size);
  const load = new Uint16Array(size);
  const offlineUntil = new Float64Array(size);
  return {
    name: 'best',
    choose(_request, now) {
      let choice = -1;
      let least = Infinity;
      let soonest = 0;
      for (let row = 0; row < size; row += 1) {
        if (offlineUntil[row]! < offlineUntil[soonest]!) soonest = row;
        if (offlineUntil[row]! > now) continue;
        const cost = (ema[row]! || UNKNOWN_MS) + PER_CONNECTION_MS * load[row]!;
        if (cost < least) [least, choice] = [cost, row];
      }
      // All offline: the one that its probe would bring back first.
      if (choice < 0) choice = soonest;
      load[choice]! += 1;
      return choice;
    },
    observe(_request, endpoint, sight, tookMs, now) {
      load[endpoint]! -= 1;
      if (sight === 'cancelled') return;
      if (sight === 'connect-fault' || sight === 'timeout' || sight === 'cut') {
        offlineUntil[endpoint] = now + OFFLINE_MS;
        return;
      }
      // Statuses pass through: to a transport balancer, a fast refusal is a fast answer.
      ema[endpoint] = ema[endpoint] === 0 ? tookMs : ema[endpoint]! + ALPHA * (tookMs - ema[endpoint]!);
    },
  };
}
