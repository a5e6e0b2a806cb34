import type { EndpointId, Lease, Run, Target } from '@fairlead/core';

/** The attempt that headers are asked for. */
export interface AttemptView {
  readonly endpoint: EndpointId;
  readonly session: string | undefined;
  readonly target: Target;
  /** Endpoints tried for the request, this one included. */
  readonly tried: number;
}

/** Headers of one attempt, such as those of the identity that its exit has. */
export type AttemptHeaders = (attempt: AttemptView) => Readonly<Record<string, string>> | undefined;

/** What the caller's function has for this attempt. What it throws is the caller's own, and no proxy's. */
export function headersOf(
  ask: AttemptHeaders | undefined,
  run: Run,
  { endpoint, target }: Lease,
): Readonly<Record<string, string>> | undefined {
  if (ask === undefined) return undefined;
  const view: AttemptView = { endpoint: endpoint.id, session: run.request.session, target, tried: run.tried.size };
  try {
    return ask(view);
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw Object.assign(new Error(`'headers' threw: ${said}`), { code: 'ERR_BAD_OPTION_VALUE' });
  }
}

type Given = Readonly<Record<string, unknown>> | Iterable<readonly [string, unknown]> | readonly string[];

/** The headers of a request with those in the place of its own of the same name, in any form that clients take. */
export function withHeaders(
  given: Given | null | undefined,
  added: Readonly<Record<string, string>>,
): Record<string, unknown> {
  const names = new Set(Object.keys(added).map((name) => name.toLowerCase()));
  const own = entriesOf(given ?? {}).filter(([name, value]) => value !== undefined && !names.has(name.toLowerCase()));
  return { ...Object.fromEntries(own), ...added };
}

function entriesOf(given: Given): (readonly [string, unknown])[] {
  if (!(Symbol.iterator in given)) return Object.entries(given);
  const items = [...given];
  if (typeof items[0] !== 'string') return items as (readonly [string, unknown])[];
  // undici takes names and values in turn, too.
  return items.flatMap((name, index) => (index % 2 === 0 ? [[name as string, items[index + 1]] as const] : []));
}
