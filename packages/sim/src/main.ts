import { readOrder, USAGE, type Order } from './command-line.js';
import { judge, summarize, type PolicyResult } from './experiment.js';
import { comparisonTable, policyJson, policyTable } from './table.js';

if (process.argv.includes('--help')) process.stdout.write(USAGE);
else print(readOrder(process.argv.slice(2)));

function print(order: Order): void {
  const results = order.policies.map((policy) => judgeAll(order, policy));
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

function judgeAll({ scenarios, seeds, preset }: Order, policy: string): PolicyResult {
  return summarize(
    policy,
    scenarios.map((plan) => judge(plan, policy, seeds, preset)),
  );
}
