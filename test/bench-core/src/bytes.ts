import { benchFleet } from './kernel-subject.js';

/** Bytes of kernel and ledger for one endpoint, beside its URL: heap and arrays after a collection, over an empty pool. */
export function bytesPerEndpoint(endpoints: number): number {
  const before = used();
  const fleet = benchFleet(endpoints);
  const grown = used() - before;
  // Read after the measurement, so that the fleet is alive while it is taken.
  return grown / fleet.endpoints;
}

function used(): number {
  if (globalThis.gc === undefined) throw new Error('run with --expose-gc');
  for (let pass = 0; pass < 3; pass += 1) globalThis.gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
