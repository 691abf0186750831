import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import { CodedError } from '@tulle/core';
import type { CertificateAuthorityView } from '@tulle/admin-api';
import { fetchDocument, postDocument } from '../admin-client.ts';
import type { CliContext } from '../cli-context.ts';
import { addExamples, addMeshOptions, controllerFor, type MeshOptions } from '../command-support.ts';
import { printDocument } from '../output.ts';
import { renderAuthority } from '../render/ca.ts';

type Phase = CertificateAuthorityView['rotation']['phase'];

interface RotateOptions extends MeshOptions {
  readonly until: 'prepared' | 'switched' | 'finished';
  readonly abort?: boolean;
  readonly timeout: number;
}

const lookIntervalMs = 200;

/** The step that leads on from each phase, and the phase that it leads to. */
const nextStep = { idle: 'prepare', prepared: 'switch', switched: 'finish' } as const;

/** Adds `tulle ca status`, `tulle ca rotate` and `tulle ca export-bundle`. */
export function registerCa(program: Command, context: CliContext): void {
  const ca = program
    .command('ca')
    .summary('the certificate authority and its root')
    .description('Shows the certificate authority, replaces its root, and prints the roots that workloads trust.');
  addExamples(ca, ['tulle ca status', 'tulle ca rotate', 'tulle ca export-bundle > bundle.pem']);
  registerStatus(ca, context);
  registerRotate(ca, context);
  registerExport(ca, context);
}

async function authorityView(context: CliContext, options: MeshOptions): Promise<CertificateAuthorityView> {
  return await fetchDocument(await controllerFor(context, options), 'CertificateAuthority', '/v1/ca');
}

function registerStatus(ca: Command, context: CliContext): void {
  const command = ca
    .command('status')
    .summary('the authority, its roots, and where the replacement of a root stands')
    .description('Shows the authority, the roots that workloads trust, and where the replacement of a root stands.')
    .action(async (options: MeshOptions) => {
      const view = await authorityView(context, options);
      await printDocument(context, options.output, view, () => renderAuthority(view, context.colors));
    });
  addMeshOptions(command, ['tulle ca status', 'tulle ca status -o json']);
}

function registerExport(ca: Command, context: CliContext): void {
  const command = ca
    .command('export-bundle')
    .summary('the roots that workloads trust, as PEM')
    .description('Prints the roots that workloads trust: as PEM, or in a document with -o json.')
    .action(async (options: MeshOptions) => {
      const view = await authorityView(context, options);
      await printDocument(context, options.output, view, () => view.bundle.trimEnd().split('\n'));
    });
  addMeshOptions(command, ['tulle ca export-bundle > bundle.pem']);
}

function registerRotate(ca: Command, context: CliContext): void {
  const command = ca
    .command('rotate')
    .summary('replace the root, step by step, without a lost request')
    .description(
      'Replaces the root: a new one is trusted beside the old (prepared), then signs (switched), then the old one is ' +
        'trusted no longer (finished). Each step waits until every agent has what the one before brought. Goes on from ' +
        'where an earlier call stopped.',
    )
    .addOption(
      new Option('--until <phase>', 'stop there').choices(['prepared', 'switched', 'finished']).default('finished'),
    )
    .option('--abort', 'give up a rotation that has not switched yet')
    .addOption(
      new Option('--timeout <seconds>', 'how long the agents may take for each step').default(120).argParser(seconds),
    )
    .action(async (options: RotateOptions) => {
      const view = await rotate(context, options);
      await printDocument(context, options.output, view, () => renderAuthority(view, context.colors));
    });
  addMeshOptions(command, ['tulle ca rotate', 'tulle ca rotate --until prepared', 'tulle ca rotate --abort']);
}

function seconds(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 86_400) {
    throw new InvalidArgumentError('expected 1 to 86400 seconds');
  }
  return value;
}

async function rotate(context: CliContext, options: RotateOptions): Promise<CertificateAuthorityView> {
  let view = await authorityView(context, options);
  if (options.abort === true) return await take(context, options, 'abort');
  const last = options.until === 'finished' ? 'switched' : options.until === 'switched' ? 'prepared' : 'idle';
  const phases: readonly Phase[] = ['idle', 'prepared', 'switched'];
  for (;;) {
    const { phase } = view.rotation;
    if (phase === 'unsupported') return await take(context, options, 'prepare');
    if (phases.indexOf(phase) > phases.indexOf(last)) return view;
    await untilReady(context, options);
    view = await take(context, options, nextStep[phase]);
    context.printError(`${view.rotation.phase === 'idle' ? 'finished' : view.rotation.phase}\n`);
    if (phase === 'switched') return view;
  }
}

/** Waits until nothing keeps the next step back. */
async function untilReady(context: CliContext, options: RotateOptions): Promise<void> {
  const endMs = performance.now() + options.timeout * 1_000;
  for (;;) {
    const { waitsFor } = (await authorityView(context, options)).rotation;
    const [first] = waitsFor;
    if (first === undefined) return;
    if (performance.now() > endMs) {
      const more = waitsFor.length > 1 ? ` (and ${waitsFor.length - 1} more)` : '';
      throw new CodedError('RotationWaits', `after ${options.timeout} s the next step still waits: ${first}${more}`, {
        hint: 'tulle ca rotate   (goes on from here; nothing is lost by waiting)',
      });
    }
    await pause(lookIntervalMs);
  }
}

async function take(context: CliContext, options: MeshOptions, step: string): Promise<CertificateAuthorityView> {
  return await postDocument(await controllerFor(context, options), 'CertificateAuthority', `/v1/ca/rotation/${step}`);
}
