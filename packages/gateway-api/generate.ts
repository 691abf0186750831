/**
 * Makes `src/generated` from the CustomResourceDefinitions in `crds` (the experimental channel, of which types are made,
 * and below it the standard one), and from our own in `deploy/crds`.
 *
 *     npm run generate                                       regenerate
 *     npm run generate -- --update DIR                       first take the CRDs and Go names of another release; DIR is
 *                                                            the unpacked Go module sigs.k8s.io/gateway-api
 *                                                            (`go mod download -json sigs.k8s.io/gateway-api@VERSION`)
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readCrd, type Crd } from './generator/crd.ts';
import { goTypes, type GoTypes } from './generator/go-names.ts';
import { ownTypes } from './generator/own-names.ts';
import { schemaFile } from './generator/schemas.ts';
import { typesFile } from './generator/types.ts';

const root = dirname(fileURLToPath(import.meta.url));
const crdDirectory = join(root, 'crds');
const standardCrdDirectory = join(crdDirectory, 'standard');
const ownCrdDirectory = join(root, '..', '..', 'deploy', 'crds');
const outputDirectory = join(root, 'src', 'generated');

/** The CRD files that a mesh needs. */
const wanted =
  /^gateway\.networking\.(x-)?k8s\.io_(httproutes|grpcroutes|tcproutes|tlsroutes|udproutes|referencegrants|backendtlspolicies|x[a-z]+)\.yaml$/;

/** Every generated file: its name below `src/generated`, and its text. */
export function generate(): Map<string, string> {
  const crds = [...crdsIn(crdDirectory, wanted), ...crdsIn(ownCrdDirectory, /^tulle\.dev_.*\.yaml$/)];
  const goNames = JSON.parse(readFileSync(join(crdDirectory, 'go-types.json'), 'utf8')) as GoTypes;
  const names = { ...goNames, ...ownTypes };
  const files = new Map<string, string>([['types.ts', typesFile(crds, names)]]);
  for (const crd of crds) files.set(`${crd.kind.toLowerCase()}.json`, schemaFile(crd));
  files.set('definitions.ts', definitionsFile(crds));
  const standard = [...crdsIn(standardCrdDirectory, wanted), ...crds.filter(({ group }) => !group.endsWith('k8s.io'))];
  for (const crd of standard) files.set(`standard/${crd.kind.toLowerCase()}.json`, schemaFile(crd));
  files.set('standard/definitions.ts', definitionsFile(standard));
  return files;
}

function crdsIn(directory: string, names: RegExp): Crd[] {
  return readdirSync(directory)
    .filter((name) => names.test(name))
    .sort()
    .map((name) => readCrd(readFileSync(join(directory, name), 'utf8')));
}

function definitionsFile(crds: readonly Crd[]): string {
  const variable = (crd: Crd) => crd.kind.replace(/^([A-Z]+)(?=[A-Z][a-z])|^[A-Z]/, (run) => run.toLowerCase());
  return [
    '// Made by generate.ts; do not edit.',
    ...crds.map((crd) => `import ${variable(crd)} from './${crd.kind.toLowerCase()}.json' with { type: 'json' };`),
    '',
    '/** The CustomResourceDefinitions, without their prose. */',
    'export const definitions: readonly unknown[] = [',
    ...crds.map((crd) => `  ${variable(crd)},`),
    '];',
    '',
  ].join('\n');
}

/** The release's own examples of a folder in one text, each document after the name of its file. */
function examples(folder: string): string {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.yaml'));
  return names
    .sort()
    .flatMap((name) =>
      readFileSync(join(folder, name), 'utf8')
        .split(/^---.*$/m)
        .filter((text) => /^kind:/m.test(text))
        .map((text) => `# ${name}\n${text.trim()}\n`),
    )
    .join('---\n');
}

function update(moduleDirectory: string): void {
  rmSync(crdDirectory, { recursive: true });
  mkdirSync(standardCrdDirectory, { recursive: true });
  for (const [channel, directory] of [
    ['experimental', crdDirectory],
    ['standard', standardCrdDirectory],
  ] as const) {
    const source = join(moduleDirectory, 'config', 'crd', channel);
    for (const name of readdirSync(source).filter((name) => wanted.test(name)))
      writeFileSync(join(directory, name), readFileSync(join(source, name)));
  }
  const packages = ['apis/v1', 'apisx/v1alpha1'].map((path) => join(moduleDirectory, path));
  writeFileSync(join(crdDirectory, 'go-types.json'), `${JSON.stringify(goTypes(packages), undefined, 1)}\n`);
  for (const [name, folder] of [
    ['valid', 'examples'],
    ['invalid', 'hack/invalid-examples'],
  ] as const)
    writeFileSync(join(root, 'testdata', `upstream-${name}.yaml`), examples(join(moduleDirectory, folder)));
  writeFileSync(join(crdDirectory, 'LICENSE'), readFileSync(join(moduleDirectory, 'LICENSE')));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const flag = process.argv.indexOf('--update');
  if (flag > 0) update(process.argv[flag + 1] ?? '');
  rmSync(outputDirectory, { recursive: true, force: true });
  mkdirSync(join(outputDirectory, 'standard'), { recursive: true });
  for (const [name, text] of generate()) writeFileSync(join(outputDirectory, name), text);
}
