import { poolInfo as infoOn, type PoolInfo } from '@fairlead/core';

/** Under this name the context of a request holds what carries it: interceptors copy the context. */
export const IN_CONTEXT: unique symbol = Symbol('fairlead');

/** Who carried an answer: a `Response` of `createFetch`, or what undici's `request` answers. */
export function poolInfo(responseOrError: unknown): PoolInfo | undefined {
  // undici makes the answer of `request` out of our sight, and hands the context on to it.
  const { context }: { context?: unknown } = Object(responseOrError);
  const { [IN_CONTEXT]: carried }: { [IN_CONTEXT]?: { noteOn(subject: object): void } } = Object(context);
  carried?.noteOn(carried);
  return infoOn(responseOrError) ?? infoOn(carried);
}
