// One contender in a process of its own, held to one core: what another leaves behind is not its concern.
import { once } from 'node:events';
import { ours, roundRobin, type ClientName, type Terms } from './contenders.js';
import { load } from './load.js';

export interface ContenderOrder {
  readonly name: ClientName;
  readonly who: 'ours' | 'roundRobin';
  readonly terms: Terms;
  readonly page: string;
}

process.once('disconnect', () => process.exit());
const [{ name, who, terms, page }] = (await once(process, 'message')) as [ContenderOrder];
const contender = (who === 'ours' ? ours : roundRobin)(name, terms);
process.on('message', async (requests: number) => process.send?.(await load(contender, page, requests)));
process.send?.('ready');
