import { ADMIT } from './admit.js';
import { BIND } from './bind.js';
import { CANCEL } from './cancel.js';
import { LEAVE } from './leave.js';
import { LOAD } from './load.js';
import { PAUSED } from './paused.js';
import { PINNED } from './pinned.js';
import { PULL } from './pull.js';
import { PUSH } from './push.js';
import { REASSERT } from './reassert.js';
import { RECOVER } from './recover.js';
import { RELEASE } from './release.js';
import { RENEW } from './renew.js';
import { RESTORE } from './restore.js';
import { SENTINEL } from './sentinel.js';
import { SUSPEND } from './suspend.js';
import { UNPIN } from './unpin.js';

/** The verbs of the store, one script each. The sentinel stands last, and is loaded last. */
export const SCRIPTS = Object.freeze({
  admit: ADMIT,
  renew: RENEW,
  release: RELEASE,
  cancel: CANCEL,
  recover: RECOVER,
  reassert: REASSERT,
  suspend: SUSPEND,
  paused: PAUSED,
  unpin: UNPIN,
  pinned: PINNED,
  bind: BIND,
  push: PUSH,
  pull: PULL,
  load: LOAD,
  restore: RESTORE,
  leave: LEAVE,
  sentinel: SENTINEL,
});

export type Verb = keyof typeof SCRIPTS;
