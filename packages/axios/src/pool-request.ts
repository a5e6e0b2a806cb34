import type { LeaseRequest } from '@fairlead/core';

/** What one axios request may ask of the pool. The rest is read from the request itself. */
export type PoolRequest = Omit<LeaseRequest, 'target' | 'method' | 'signal'>;

declare module 'axios' {
  interface AxiosRequestConfig {
    /** How the pool is to carry this request. */
    pool?: PoolRequest;
  }
}
