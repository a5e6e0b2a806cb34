import { createHash, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { certificates } from '../net/certificates.js';
import type { Availability } from './real-server.js';

/** Where distributions put it; the first is Debian's. */
const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** What a browser's driver needs to start one in the lab. */
export interface Chromium {
  readonly executablePath: string;
  readonly args: readonly string[];
}

/** The machine's Chromium, or undefined. */
export function findChromium(): Chromium | undefined {
  const executablePath = PLACES.find((place) => existsSync(place));
  return executablePath === undefined ? undefined : { executablePath, args: quietArgs() };
}

/** The same for tests: a machine without it skips them, and in CI it throws, as a suite that is always skipped proves nothing. */
export function chromiumAvailability(): Availability {
  if (findChromium() !== undefined) return { available: true };
  const reason = 'chromium is missing: apt-get install chromium';
  if (process.env['CI']) throw new Error(`chromium must run in CI: ${reason}`);
  return { available: false, reason };
}

/** Nobody is called home, and the lab's certificate is trusted, so that its pages are as good as those of the web. */
function quietArgs(): readonly string[] {
  const { publicKey } = new X509Certificate(certificates().good.cert);
  const pin = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64');
  return [
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    `--ignore-certificate-errors-spki-list=${pin}`,
    // Root has no other way to start it.
    ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
  ];
}
