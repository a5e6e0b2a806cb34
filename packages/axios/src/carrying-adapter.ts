import { directRefused, type AgentClient } from '@fairlead/dial';
import { getAdapter, type AxiosAdapter, type InternalAxiosRequestConfig } from 'axios';
import { bypassOf, innerAdapter } from './bypass.js';
import { carry } from './carry.js';

/** What an adapter of ours stands for. */
export type Base = InternalAxiosRequestConfig['adapter'];

const BASE: unique symbol = Symbol('base');

interface Carrying extends AxiosAdapter {
  readonly [BASE]: Base;
}

/** Whom an adapter of ours stands for, so that what is sent again is not wrapped twice; any other stands for itself. */
export function baseOf(adapter: Base): Base {
  return typeof adapter === 'function' && BASE in adapter ? (adapter as Carrying)[BASE] : adapter;
}

/** Sends through the pool what `base` would have sent. */
export function carrying(base: Base, client: AgentClient): AxiosAdapter {
  return marked(base, (config) => send(config, base, client));
}

/** The same for an instance's defaults; once `isOff`, requests go as they went before. */
export function carryingDefault(base: Base, client: AgentClient, isOff: () => boolean): AxiosAdapter {
  return marked(base, (config) => (isOff() ? direct(base, config) : send(config, base, client)));
}

function marked(base: Base, adapter: AxiosAdapter): Carrying {
  return Object.assign(adapter, { [BASE]: base });
}

/** Interceptors of the user's may have run until now: only here is the config what will be sent. */
async function send(config: InternalAxiosRequestConfig, base: Base, client: AgentClient): ReturnType<AxiosAdapter> {
  if (config.pool === false) {
    if (!client.allowDirect) throw directRefused();
    return direct(base, config);
  }
  const inner = innerAdapter(base, config);
  if (typeof inner !== 'function') throw inner;
  const bypass = bypassOf(config);
  if (bypass !== undefined) throw bypass;
  return carry(config, { inner, ...client });
}

function direct(base: Base, config: InternalAxiosRequestConfig): ReturnType<AxiosAdapter> {
  // Its second argument is missing in the types.
  const find = getAdapter as (adapter: Base, config: InternalAxiosRequestConfig) => AxiosAdapter;
  return find(base ?? 'http', config)(config);
}
