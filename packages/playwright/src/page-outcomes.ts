import type { Outcome, Phase } from '@fairlead/core';
import type { BrowserContext, Frame, Request, Response } from 'playwright-core';

/** Turns what the pages of a context were answered into outcomes. */
export function watchPages(context: BrowserContext, report: (outcome: Outcome, url: string) => void): void {
  const answered = (response: Response): void => {
    const request = response.request();
    if (response.fromServiceWorker() || !concernsThePage(request)) return;
    const headers = response.headers();
    if (isRefusal(response.url(), headers)) return;
    report(
      {
        kind: 'response',
        status: response.status(),
        latencyMs: latencyOf(request),
        via: 'tunnel',
        headers: { get: (name) => (Object.hasOwn(headers, name) ? headers[name] : undefined) },
      },
      response.url(),
    );
  };
  const failed = (request: Request): void => {
    const code = /ERR_\w+/.exec(request.failure()?.errorText ?? '')?.[0] ?? 'UNKNOWN';
    const phase = phaseOf(code);
    if (phase === undefined || !concernsThePage(request)) return;
    const elapsedMs = latencyOf(request);
    report({ kind: 'failure', phase, code, elapsedMs, sent: 'maybe', fault: 'unclear' }, request.url());
  };
  context.on('response', (response) => harmless(() => answered(response)));
  context.on('requestfailed', (request) => harmless(() => failed(request)));
}

/** What goes wrong in a listener of a browser's events would end the process: it is said there, and no more. */
function harmless(listener: () => void): void {
  try {
    listener();
  } catch (error) {
    process.emitWarning(error instanceof Error ? error : new Error('an answer of a page could not be judged'));
  }
}

/** What the browser alone can tell: bytes came through the tunnel and were not what they should be. The rest the gateway saw. */
function phaseOf(code: string): Phase | undefined {
  if (/ERR_(?:CERT|SSL|BAD_SSL)/.test(code)) return 'target-tls';
  return /ERR_(?:TIMED_OUT|INVALID_HTTP_RESPONSE|HTTP2_PROTOCOL_ERROR|CONTENT_DECODING_FAILED)/.test(code)
    ? 'response'
    : undefined;
}

/**
 * The gateway's own words, which came from nowhere near the target. It can say them only without TLS, and passes nobody
 * else's on there; within TLS they are the site's.
 */
function isRefusal(url: string, headers: Readonly<Record<string, string>>): boolean {
  return url.startsWith('http:') && headers['x-fairlead-error'] !== undefined;
}

/** A page's own answers, and those of its own host: what a third party refuses says nothing of the page's exit. */
function concernsThePage(request: Request): boolean {
  const host = hostOf(request.url());
  if (host === undefined || request.serviceWorker() !== null) return false;
  const frame = frameOf(request);
  // The first navigation of a page that another page opened: Playwright knows its frame later. It is always a main frame's.
  if (frame === undefined) return request.isNavigationRequest();
  if (request.isNavigationRequest()) return frame.parentFrame() === null;
  return host === hostOf(frame.page().url());
}

function frameOf(request: Request): Frame | undefined {
  try {
    return request.frame();
  } catch {
    return undefined;
  }
}

/** The host of what goes over the network; a blob or a data URL has none, and no exit. */
function hostOf(url: string): string | undefined {
  if (!/^https?:/i.test(url) || !URL.canParse(url)) return undefined;
  return new URL(url).host;
}

/** Milliseconds from the request to the first byte of its answer. */
function latencyOf(request: Request): number {
  const { requestStart, responseStart } = request.timing();
  return Math.max(0, responseStart - Math.max(0, requestStart));
}
