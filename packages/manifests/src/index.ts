export { ManifestDirectory, type ManifestDirectoryOptions } from './directory.ts';
export * from './manifest.ts';
export { readManifestFile, type ManifestFile, type ReadOptions } from './read-file.ts';
export type { ManifestChanges, ManifestSnapshot } from './snapshot.ts';
export { fileLimits } from './yaml-document.ts';
