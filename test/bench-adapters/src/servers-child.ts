// The lab in a process of its own; ends with its parent.
import { serve } from './servers.js';

process.once('disconnect', () => process.exit());
process.send?.(await serve(process.argv[2] ?? ''));
