/** `node main.js <program> [options]`: what `npm run verify:faults` and `npm run bench:dial` start. */
const PROGRAMS: ReadonlyMap<string | undefined, () => Promise<unknown>> = new Map([
  ['verify-faults', () => import('./verify-faults.js')],
  ['bench-dial', () => import('./bench-dial.js')],
  ['bench-client', () => import('./bench-client.js')],
]);

const program = PROGRAMS.get(process.argv[2]);
if (program === undefined) throw new Error(`one of ${[...PROGRAMS.keys()].join(', ')} is wanted`);
await program();
