// `npm run verify:crash -- --json`: what the file store keeps when processes are killed, disks fail and files are spoilt.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom } from '@fairlead/core/testing';
import { clockCases } from './clocks.js';
import { diskFaults, powerLosses } from './disk-faults.js';
import { killCycles, racedStarts } from './kills.js';
import { spoilFiles } from './spoiling.js';

const KILLS = 200;
const FLIPS = 2_000;
const POWER_LOSSES = 1_000;
const RACES = 10;
const random = seededRandom(Number(process.env['CRASH_SEED'] ?? 1));

const scratch = mkdtempSync(join(tmpdir(), 'fairlead-crash-'));
try {
  const killed = await killCycles(KILLS, join(scratch, 'kills'), random);
  let twoWriters = 0;
  let noWriter = 0;
  for (let race = 0; race < RACES; race += 1) {
    const winners = await racedStarts(4, join(scratch, `race${race}`));
    if (winners > 1) twoWriters += 1;
    if (winners === 0) noWriter += 1;
  }
  const spoilt = await spoilFiles(FLIPS, random);
  const faults = await diskFaults();
  const power = await powerLosses(POWER_LOSSES, random);
  const clocks = await clockCases();
  const report = {
    kills: killed.kills,
    corruptions: spoilt.corruptions,
    acknowledgedLost: killed.acknowledgedLost + faults.acknowledgedLost + power.acknowledgedLost,
    corruptAccepted: killed.corruptAccepted + spoilt.corruptAccepted + faults.corruptAccepted + power.corruptAccepted,
    acknowledged: killed.acknowledged,
    lostBeforeTheCut: spoilt.lostBeforeTheCut,
    diskFaults: faults.faults,
    neverBack: faults.neverBack,
    powerLosses: power.faults,
    races: RACES,
    twoWriters,
    noWriter,
    clockCases: clocks.cases,
    lastedTooLong: clocks.tooLong,
  };
  const json = process.argv.includes('--json');
  const lines = Object.entries(report).map(([name, value]) => `${name.padEnd(20)}${value}`);
  process.stdout.write(json ? `${JSON.stringify(report)}\n` : `${lines.join('\n')}\n`);
  const { acknowledgedLost, corruptAccepted, lostBeforeTheCut, neverBack, lastedTooLong } = report;
  const wrong =
    acknowledgedLost + corruptAccepted + lostBeforeTheCut + neverBack + lastedTooLong + twoWriters + noWriter;
  process.exitCode = wrong === 0 ? 0 : 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
