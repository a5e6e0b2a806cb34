#!/usr/bin/env node
import { readOrder, USAGE, type Order } from './command-line.js';
import { judge, remembering, summarize, type Measure, type PolicyResult } from './experiment.js';
import { comparisonTable, policyJson, policyTable } from './table.js';
import { workers } from './workers.js';

if (process.argv.includes('--help')) process.stdout.write(USAGE);
else await print(readOrder(process.argv.slice(2)));

async function print(order: Order): Promise<void> {
  const threads = workers(order.constants);
  const play = remembering(threads.measure);
  const results = await Promise.all(order.policies.map((policy) => judgeAll(order, policy, play)));
  await threads.close();
  const [first] = results;
  if (order.json) {
    const json =
      results.length === 1
        ? policyJson(first!)
        : { policies: Object.fromEntries(results.map((one) => [one.policy, policyJson(one)])) };
    process.stdout.write(`${JSON.stringify(json)}\n`);
    return;
  }
  process.stdout.write(results.length === 1 ? policyTable(first!) : comparisonTable(results));
}

async function judgeAll({ scenarios, seeds, preset }: Order, policy: string, play: Measure): Promise<PolicyResult> {
  return summarize(policy, await Promise.all(scenarios.map((plan) => judge(plan, policy, seeds, preset, play))));
}
