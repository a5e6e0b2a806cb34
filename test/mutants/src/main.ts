// Plants each fault in a copy of core and sees whether the tests of the pool notice: `npm run verify:mutants -- --json`.
import type { Mutant } from './mutant.js';
import { partMutants } from './part-mutants.js';
import { poolMutants } from './pool-mutants.js';
import { Workshop } from './workshop.js';

/** Copies worked on at once. */
const WORKSHOPS = 2;

const json = process.argv.includes('--json');
const only = process.argv.find((argument) => argument.startsWith('--only='))?.slice('--only='.length);

const mutants = [...poolMutants, ...partMutants].filter(({ name }) => only === undefined || name.includes(only));
if (mutants.length === 0) throw new Error(`no fault has '${only}' in its name: nothing would be tested`);
const waiting = [...mutants];
const missed: string[] = [];

async function work(first: boolean): Promise<void> {
  const workshop = new Workshop();
  try {
    const end = first ? await workshop.untouched() : 'passed';
    if (end !== 'passed') throw new Error(`the tests ${end} without any fault: nothing can be learned from them`);
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) await plant(workshop, mutant);
  } finally {
    workshop.close();
  }
}

async function plant(workshop: Workshop, mutant: Mutant): Promise<void> {
  const end = await workshop.tests(mutant);
  // A run that had to be ended has noticed nothing, unless hanging is what the fault does.
  const caught = end === 'failed' || (end === 'hung' && mutant.hangs === true);
  if (!caught) missed.push(mutant.name);
  process.stderr.write(`${caught ? 'caught' : 'MISSED'}  ${mutant.name}${end === 'hung' ? ' (hung)' : ''}\n`);
}

await Promise.all(Array.from({ length: WORKSHOPS }, (_, index) => work(index === 0)));
const report = { mutants: mutants.length, caught: mutants.length - missed.length };
process.stdout.write(json ? `${JSON.stringify(report)}\n` : `${report.caught} of ${report.mutants} caught\n`);
process.exitCode = missed.length === 0 ? 0 : 1;
