import { parseArgs } from 'node:util';
import { runCase, type CaseResult, type FaultCase } from './fault-case.js';
import { labCases } from './lab-cases.js';
import { startRealCases } from './real-cases.js';

/** Few at a time: a case that waits costs nothing, and one that floods costs a core. */
const AT_ONCE = 8;

const { values } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean' }, only: { type: 'string' }, list: { type: 'boolean' } },
});
const servers = await startRealCases();
const results = await runAll(
  labCases().filter(wanted),
  servers.map(({ cases }) => cases.filter(wanted)),
);
for (const server of servers) await server.close();
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

/** The lab's own cases in any order, those of each real server one after another. */
async function runAll(lab: readonly FaultCase[], real: readonly (readonly FaultCase[])[]): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  const workThrough = async (cases: Iterable<FaultCase>) => {
    for (const faultCase of cases) results.push(await runCase(faultCase));
  };
  const shared = lab.values();
  await Promise.all([...Array.from({ length: AT_ONCE }, () => workThrough(shared)), ...real.map(workThrough)]);
  return results;
}

function wanted({ name }: FaultCase): boolean {
  return values.only === undefined || name.includes(values.only);
}

function failed({ misattributed, unsettled, socketsLeft, credentialHits }: CaseResult): boolean {
  return misattributed || unsettled || socketsLeft > 0 || credentialHits.length > 0;
}

function describe({ name, seen, unsettled, socketsLeft, credentialHits }: CaseResult): string {
  const left = socketsLeft > 0 ? `, ${socketsLeft} sockets left` : '';
  const shown = credentialHits.length > 0 ? `, credentials in ${credentialHits.join(' and ')}` : '';
  return `${name}: ${unsettled ? 'never settled' : seen}${left}${shown}`;
}
