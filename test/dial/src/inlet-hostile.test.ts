// The hostile proxies once more, for who takes the bytes past the stream.
import { vi } from 'vitest';

vi.mock('@fairlead/dial', async (original) => {
  const real = await original<typeof import('@fairlead/dial')>();
  const dial: typeof real.dial = (endpoint, options) => real.dial(endpoint, { inlet: new real.Inlet(), ...options });
  return { ...real, dial };
});

await import('./hostile.test.js');
