import type { Command } from 'commander';

/** Adds `tulle playground`. */
export function registerPlayground(program: Command): void {
  program.command('playground').description('Runs a cluster without Kubernetes on this machine.');
}
