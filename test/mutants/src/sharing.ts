// Plants each fault in a copy of what is shared and sees whether its tests notice: `npm run verify:sharing-mutants -- --json`.
import { sharingMutants } from './sharing-mutants.js';
import { SharingWorkshop } from './sharing-workshop.js';

const json = process.argv.includes('--json');
const only = process.argv.find((argument) => argument.startsWith('--only='))?.slice('--only='.length);
const mutants = sharingMutants.filter(({ name }) => only === undefined || name.includes(only));
const workshop = new SharingWorkshop();
try {
  if (!(await workshop.passes())) throw new Error('the tests fail without any fault: nothing can be learned from them');
  let caught = 0;
  for (const mutant of mutants) {
    const noticed = await workshop.catches(mutant);
    caught += Number(noticed);
    process.stderr.write(`${noticed ? 'caught' : 'MISSED'}  ${mutant.name}\n`);
  }
  const report = { mutants: mutants.length, caught };
  process.stdout.write(json ? `${JSON.stringify(report)}\n` : `${caught} of ${mutants.length} caught\n`);
  process.exitCode = caught === mutants.length ? 0 : 1;
} finally {
  workshop.close();
}
