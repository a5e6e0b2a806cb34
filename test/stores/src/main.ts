/** `node main.js <program> [options]`: what `npm run verify:crash` and its like start. */
const PROGRAMS: ReadonlyMap<string | undefined, () => Promise<unknown>> = new Map([
  ['verify-crash', () => import('./crash/verify-crash.js')],
  ['crash-writer', () => import('./crash/writer.js')],
  ['verify-sharing', () => import('./sharing/verify-sharing.js')],
  ['verify-lives', () => import('./simulated/verify-lives.js')],
  ['warm-start', () => import('./bench/warm-start.js')],
  ['bench-stores', () => import('./bench/bench-stores.js')],
  ['sharing-worker', () => import('./sharing/worker.js')],
]);

const program = PROGRAMS.get(process.argv[2]);
if (program === undefined) throw new Error(`one of ${[...PROGRAMS.keys()].join(', ')} is wanted`);
await program();
