export { type ImageConfig, type ImageDigest, type Platform, writeImageArchive } from './archive.ts';
export { entriesOfDirectory, type Layer, type LayerEntry, writeLayer } from './layer.ts';
