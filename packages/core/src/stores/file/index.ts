export { fileStore, FILE_STORE_DEFAULTS, type FileStoreOptions } from './file-store.js';
export type { AppendFile, FileSystem, PathInfo } from './file-system.js';
