import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '@tulle/core';
import { findMachines, isRunning, type Machine, type RunningPart } from './machine.ts';
import type { ClusterPlan } from './settings.ts';

/** What is written down about a cluster when all of it is ready: no file means that none is, or not yet. */
export interface ClusterState {
  readonly version: 1;
  readonly name: string;
  readonly nodes: readonly { readonly name: string; readonly address: string }[];
  /** Names what the cluster was made from: another one means that it is out of date. */
  readonly recipe: string;
  readonly kubernetes: string;
  readonly machines: readonly Machine[];
  readonly parts: readonly RunningPart[];
}

/** A cluster that is up: its state and its control machine. */
export interface RunningCluster {
  readonly state: ClusterState;
  readonly control: Machine;
}

export async function writeState(plan: ClusterPlan, state: ClusterState): Promise<void> {
  const file = stateFile(plan);
  await writeFile(`${file}.tmp`, JSON.stringify(state, null, 2));
  await rename(`${file}.tmp`, file);
}

/** The state of the cluster, or undefined when there is none that once was ready. */
export async function readState(plan: Pick<ClusterPlan, 'stateDirectory'>): Promise<ClusterState | undefined> {
  let text: string;
  try {
    text = await readFile(stateFile(plan), 'utf8');
  } catch {
    return undefined;
  }
  const state = JSON.parse(text) as ClusterState;
  return state.version === 1 ? state : undefined;
}

/**
 * The cluster, if it was ready once and its control machine is still there.
 *
 * @throws CodedError `cluster-not-up`
 */
export async function runningCluster(plan: ClusterPlan): Promise<RunningCluster> {
  const state = await readState(plan);
  const control = findMachines(plan).find(({ name }) => name === 'control');
  if (state === undefined || control === undefined) {
    throw new CodedError('cluster-not-up', `there is no running cluster "${plan.name}"`, {
      hint: 'npm run cluster:up',
    });
  }
  return { state, control };
}

/** The parts that should be running and are not. */
export function endedParts(state: ClusterState): RunningPart[] {
  return state.parts.filter((part) => !isRunning(part));
}

function stateFile(plan: Pick<ClusterPlan, 'stateDirectory'>): string {
  return join(plan.stateDirectory, 'cluster.json');
}
