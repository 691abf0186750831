// Builds images without a daemon: `node deploy/images/src/main.ts [--output DIR] [--refresh] [NAME…]`; all by default.
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { buildImage } from './build.ts';
import { imageNames, type ImageName } from './recipes.ts';

const repository = join(import.meta.dirname, '../../..');

function isImageName(name: string): name is ImageName {
  return (imageNames as readonly string[]).includes(name);
}

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { output: { type: 'string', short: 'o' }, refresh: { type: 'boolean', default: false } },
  });
  const unknown = positionals.filter((name) => !isImageName(name));
  if (unknown.length > 0) throw new Error(`no such image: ${unknown.join(', ')}; there are ${imageNames.join(', ')}`);
  const names = positionals.length === 0 ? imageNames : positionals.filter(isImageName);
  const output = resolve(values.output ?? join(repository, '.cache/images'));
  for (const name of names) {
    const image = await buildImage(name, { repository, output, refresh: values.refresh });
    const size = `${(image.sizeBytes / 1e6).toFixed(0)} MB`;
    process.stdout.write(`${image.reference}  ${image.digest}  ${size}  ${image.file}\n`);
  }
} catch (error) {
  process.stderr.write(`images: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
