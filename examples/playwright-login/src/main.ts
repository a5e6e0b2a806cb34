// A shop whose accounts are open only to the address that logged in. A context keeps its exit, so its account stays open; after
// a change of exit the shop does not know it any more.
import { createPool } from '@fairlead/core';
import { chromiumAvailability, findChromium, shopRoutes, startHttpProxy, startTarget } from '@fairlead/lab';
import { launchPoolBrowser, type PoolContext } from '@fairlead/playwright';
import { chromium } from 'playwright-core';

const availability = chromiumAvailability();
if (!availability.available) {
  console.log(`skipped: ${availability.reason}`);
  process.exit();
}
const shop = await startTarget({ routes: shopRoutes() });
const exits = ['127.78.2.1', '127.78.2.2', '127.78.2.3', '127.78.2.4'];
const proxies = await Promise.all(exits.map((exit) => startHttpProxy({ exit })));
const pool = createPool({ proxies: proxies.map(({ url }) => url) });
const { executablePath, args } = findChromium()!;
// `allowPrivate`: the shop is on loopback.
const gateway = { allowPrivate: 'all' as const };
const browser = await launchPoolBrowser(chromium, pool, { executablePath, args: [...args], gateway });

async function logIn(user: string): Promise<PoolContext> {
  const context = await browser.newPoolContext({ session: user });
  const page = await context.newPage();
  await page.goto(`${shop.url}/login`);
  await page.fill('input[name=user]', user);
  await Promise.all([page.waitForURL('**/account'), page.click('button')]);
  return context;
}

async function account(context: PoolContext): Promise<string> {
  const page = await context.newPage();
  const answer = await page.goto(`${shop.url}/account`);
  const text = answer?.status() === 200 ? await page.textContent('h1') : `${answer?.status()}`;
  await page.close();
  return text ?? '';
}

const users = ['ann', 'bob', 'eve'];
const contexts = await Promise.all(users.map(logIn));
const seen = [];
for (const context of [...contexts, ...contexts]) seen.push(await account(context));
console.log(`each by its own exit: ${seen.join(', ')}`);
contexts[0]!.pool.rotate();
const elsewhere = await account(contexts[0]!);
console.log(`ann by another exit: ${elsewhere}`);

await browser.close();
await pool.close();
await Promise.all([shop, ...proxies].map((server) => server.close()));
const expected = [...users, ...users].map((user) => `Hello ${user}`);
process.exit(seen.join() === expected.join() && elsewhere === '403' ? 0 : 1);
