import { parseArgs } from 'node:util';
import { runCase, type CaseResult, type FaultCase } from './fault-case.js';
import { labCases } from './lab-cases.js';

/** Few at a time: a case that waits costs nothing, and one that floods costs a core. */
const AT_ONCE = 8;

const { values } = parseArgs({
  options: { json: { type: 'boolean' }, only: { type: 'string' }, list: { type: 'boolean' } },
});
const cases = labCases().filter(({ name }) => values.only === undefined || name.includes(values.only));
const results = await runAll(cases);
for (const result of results) if (values.list || failed(result)) console.error(describe(result));
const summary = {
  cases: results.length,
  misattributed: results.filter(({ misattributed }) => misattributed).length,
  unsettled: results.filter(({ unsettled }) => unsettled).length,
  socketsLeft: results.reduce((sum, { socketsLeft }) => sum + socketsLeft, 0),
  credentialHits: results.reduce((sum, { credentialHits }) => sum + credentialHits.length, 0),
};
console.log(values.json ? JSON.stringify(summary) : summary);
process.exitCode = results.some(failed) ? 1 : 0;

async function runAll(cases: readonly FaultCase[]): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  const left = cases.values();
  const work = async () => {
    for (const faultCase of left) results.push(await runCase(faultCase));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return results;
}

function failed({ misattributed, unsettled, socketsLeft, credentialHits }: CaseResult): boolean {
  return misattributed || unsettled || socketsLeft > 0 || credentialHits.length > 0;
}

function describe({ name, seen, unsettled, socketsLeft, credentialHits }: CaseResult): string {
  const left = socketsLeft > 0 ? `, ${socketsLeft} sockets left` : '';
  const shown = credentialHits.length > 0 ? `, credentials in ${credentialHits.join(' and ')}` : '';
  return `${name}: ${unsettled ? 'never settled' : seen}${left}${shown}`;
}
