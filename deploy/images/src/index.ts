export { type ImageConfig, type ImageDigest, type Platform, writeImageArchive } from './archive.ts';
export { buildImage, type BuildOptions, type BuiltImage, platform } from './build.ts';
export { cacheDirectory, fingerprint } from './cache.ts';
export { entriesOfDirectory, type Layer, type LayerEntry, writeLayer } from './layer.ts';
export { imageNames, type ImageName, imageRecipes } from './recipes.ts';
