export { adapterContract } from './adapter-contract.js';
export type { AdapterContract, ContractAnswer, ContractClient, ContractRequest } from './contract-client.js';
