import { CriticalError, log } from '@crawlee/core';

const WEBRTC = '--webrtc-ip-handling-policy=disable_non_proxied_udp';

/** As much of a page as Playwright and Puppeteer agree on. */
interface BrowserPage {
  once(event: 'close', listener: () => void): unknown;
  on?(event: 'request', listener: (request: BrowserRequest) => void): unknown;
  mainFrame?(): unknown;
}

interface BrowserRequest {
  url(): string;
  isNavigationRequest(): boolean;
  frame(): unknown;
}

/** As much of a browser crawler's context as shows how its pages share a browser. */
interface BrowserContextParts {
  readonly page?: BrowserPage;
  readonly session?: object;
  readonly browserController?: {
    readonly launchContext?: {
      readonly launcher?: { readonly name?: () => string };
      readonly launchOptions?: { readonly args?: readonly string[] };
      readonly useIncognitoPages?: boolean;
      readonly browserPerProxy?: boolean;
      readonly experimentalContainers?: boolean;
    };
  };
}

/**
 * Pages that share a browser share its proxy, which is that of the first: whatever `proxyInfo` says, all would leave by one
 * exit. And a browser for each proxy brings a session of its own, drawn by lot: the pages' cookies would be kept for another
 * session than the one that has the exit. Both are refused.
 */
export function refuseSharedBrowser(context: object): void {
  const { browserController, session } = context as BrowserContextParts;
  if (browserController?.launchContext === undefined) return;
  const { useIncognitoPages, browserPerProxy, experimentalContainers } = browserController.launchContext;
  if (useIncognitoPages === true || experimentalContainers === true) return;
  if (browserPerProxy === true && session === undefined) return;
  const why =
    browserPerProxy === true
      ? 'with launchContext.browserPerProxy alone the pages of this crawler have other sessions than their proxies'
      : 'the pages of this crawler share one browser and so the proxy of its first page';
  throw new CriticalError(`${why}: set launchContext.useIncognitoPages to true`);
}

/** Warns of a Chromium that would tell the machine's own address by UDP, past every proxy. */
export function warnOfLeaks(context: object): void {
  const { launchOptions, launcher } = (context as BrowserContextParts).browserController?.launchContext ?? {};
  if (launchOptions === undefined || (launcher?.name?.() ?? 'chromium') !== 'chromium') return;
  const { args = [] } = launchOptions;
  if (args.some((arg) => arg.includes('webrtc-ip-handling-policy'))) return;
  log.warningOnce(
    `Fairlead: WebRTC of this crawler's pages goes past its proxies: add ${WEBRTC} to launchContext.launchOptions.args`,
  );
}

/** Calls back when the page is closed; false where the crawler has no pages of a browser. */
export function whenClosed(context: object, done: () => void): boolean {
  const { page } = context as BrowserContextParts;
  if (typeof page?.once !== 'function') return false;
  page.once('close', done);
  return true;
}

/** Calls back with each URL that the page itself goes to, redirects and all; false where the crawler has no pages of a browser. */
export function whenNavigating(context: object, visit: (url: string) => void): boolean {
  const { page } = context as BrowserContextParts;
  if (typeof page?.once !== 'function') return false;
  page.on?.('request', (request) => {
    if (request.isNavigationRequest() && isOfMainFrame(request, page)) visit(request.url());
  });
  return true;
}

/** The first navigation of a new page has no frame yet, and asking for it throws. It is always a main frame's. */
function isOfMainFrame(request: BrowserRequest, page: BrowserPage): boolean {
  try {
    return request.frame() === page.mainFrame?.();
  } catch {
    return true;
  }
}
