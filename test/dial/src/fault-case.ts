import { toEndpoint } from '@fairlead/core';
import { failureOf } from '@fairlead/dial';
import { certificates } from '@fairlead/lab';
import { client, type Client, type ClientName } from './clients.js';
import { credentialHits } from './credential-hunt.js';
import type { Verdict } from './expected.js';

/** One fault seen through one library. */
export interface FaultCase {
  readonly name: string;
  readonly client: ClientName;
  /** Ends in a deadline, the dialer's or the library's: both are short. */
  readonly hangs: boolean;
  readonly expected: Verdict | undefined;
  /** Aborted by the caller once the proxy has heard all that it will hear. */
  readonly aborts?: boolean;
  open(): Promise<Scene>;
}

export interface Scene {
  readonly proxyUrl: string;
  readonly targetUrl: string;
  /** Connections to the proxy that are open now; undefined where nobody can count them. */
  openSockets?(): number;
  /** Bytes that the proxy has been sent so far, where it can be asked. */
  bytesIn?(): number;
  /** Resolves once nobody is connected to the proxy. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

export interface CaseResult {
  readonly name: string;
  readonly seen: string;
  readonly misattributed: boolean;
  readonly unsettled: boolean;
  readonly socketsLeft: number;
  readonly credentialHits: readonly string[];
}

const SHORT_MS = 1000;
const LONG_MS = 15_000;
/** Far beyond any deadline in play, so that a slow machine is not taken for a hang. */
const WATCH_MS = 20_000;
/** Well below the deadline of a dial that nobody ends: it must not pass for one that was ended. */
const IDLE_MS = 5000;

type Settled = { readonly status: number } | { readonly error: unknown; readonly response: boolean };

/** `make` for who tests this function itself. */
export async function runCase(faultCase: FaultCase, make = client): Promise<CaseResult> {
  const scene = await faultCase.open();
  try {
    const limit = faultCase.hangs ? SHORT_MS : LONG_MS;
    const abort = new AbortController();
    const endpoint = toEndpoint(scene.proxyUrl, 'the case');
    const http = make(faultCase.client, endpoint, {
      timeoutMs: limit,
      // Longer than the dial, so that each hang is seen by whom it belongs to.
      requestMs: faultCase.hangs ? 2 * SHORT_MS : LONG_MS,
      ca: certificates().ca,
      signal: abort.signal,
    });
    if (faultCase.aborts) abortWhenStill(abort, scene);
    const settled = await within(WATCH_MS, settle(http, scene.targetUrl));
    // What failed has to be gone by itself: a client that is closed takes everything down.
    const answered = settled !== undefined && 'status' in settled;
    const clean = !answered && (await isIdle(scene));
    await http.close();
    const idle = answered ? await isIdle(scene) : clean;
    return { ...judge(faultCase, settled), socketsLeft: idle ? 0 : Math.max(1, scene.openSockets?.() ?? 1) };
  } finally {
    await scene.close();
  }
}

async function isIdle(scene: Scene): Promise<boolean> {
  const idle = scene.idle().then(() => true);
  return (await within(IDLE_MS, idle)) === true;
}

/** The proxy lives in this process: while it is asked again and again, whatever is under way goes on. */
function abortWhenStill(abort: AbortController, scene: Scene): void {
  let [last, still] = [0, 0];
  const poll = setInterval(() => {
    const bytes = scene.bytesIn?.() ?? 0;
    still = bytes > 0 && bytes === last ? still + 1 : 0;
    last = bytes;
    if (still < STILL) return;
    clearInterval(poll);
    abort.abort();
  }, SHORT_MS / 40);
}

/** Times that nothing has moved. */
const STILL = 8;

function judge({ name, client, expected }: FaultCase, settled: Settled | undefined): Omit<CaseResult, 'socketsLeft'> {
  const base = { name: `${name} over ${client}`, unsettled: settled === undefined, credentialHits: [] };
  if (settled === undefined) return { ...base, seen: 'nothing', misattributed: false };
  if ('status' in settled) {
    const fits = expected !== undefined && 'status' in expected && expected.status === settled.status;
    return { ...base, seen: `status ${settled.status}`, misattributed: !fits };
  }
  const { code, phase, fault, sent } = failureOf(settled.error, 0, { response: settled.response });
  const fits =
    expected !== undefined &&
    'code' in expected &&
    [expected.code].flat().includes(code) &&
    [expected.phase].flat().includes(phase) &&
    fault !== undefined &&
    [expected.fault].flat().includes(fault);
  return {
    ...base,
    seen: `${code} in ${phase}, ${fault}, sent ${sent}`,
    misattributed: !fits,
    credentialHits: credentialHits(settled.error),
  };
}

async function settle(http: Client, url: string): Promise<Settled> {
  try {
    return { status: await http.get(url) };
  } catch (error) {
    return { error, response: http.inBody.has(Object(error)) };
  }
}

async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const watch = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined);
  });
  return Promise.race([promise, watch]).finally(() => clearTimeout(timer));
}
