export { adapterContract } from './adapter-contract.js';
export type {
  AdapterContract,
  ContractAnswer,
  ContractClient,
  ContractOptions,
  ContractRequest,
} from './contract-client.js';
export { storeContract } from './store/store-contract.js';
export type { StoreContract } from './store/workplace.js';
