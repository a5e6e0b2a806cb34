#!/usr/bin/env node
import { readOrder, USAGE, type Order } from './command-line.js';
import { judge, summarize, type PolicyResult, type ScenarioResult } from './experiment.js';
import { comparisonTable, policyJson, policyTable } from './table.js';

if (process.argv.includes('--help')) process.stdout.write(USAGE);
else await print(readOrder(process.argv.slice(2)));

async function print(order: Order): Promise<void> {
  const results: PolicyResult[] = [];
  for (const policy of order.policies) results.push(await judgeAll(order, policy));
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

async function judgeAll({ scenarios, seeds, preset }: Order, policy: string): Promise<PolicyResult> {
  const results: ScenarioResult[] = [];
  for (const plan of scenarios) results.push(await judge(plan, policy, seeds, preset));
  return summarize(policy, results);
}
