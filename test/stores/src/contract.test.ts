import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryStore } from '@fairlead/core';
import { fileStore } from '@fairlead/core/file';
import { storeContract } from '@fairlead/testkit';
import { afterAll } from 'vitest';

const scratch = mkdtempSync(join(tmpdir(), 'fairlead-contract-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

storeContract({ name: 'memory', open: () => memoryStore(), keeps: false, shares: false });
storeContract({ name: 'file', open: (place) => fileStore({ dir: join(scratch, place) }), keeps: true, shares: false });
