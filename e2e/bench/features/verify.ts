import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { CodedError } from '@tulle/core';
import { playgroundPaths } from '@tulle/playground';
import { runOrThrow } from '../programs.ts';
import type { FeatureLab } from './lab.ts';
import type { Answer, Checker, Feature, FeatureRequest } from './model.ts';
import { originPorts } from './routes.ts';

const timeoutMs = 30_000;
/** Configuration may still be on its way when the pods are ready. */
const settleMs = 10_000;
const pollMs = 200;
/** Lines of the access log are written in batches. */
const logBatchMs = 1_500;

/** Checks that the row's feature acts; throws a CodedError `NotActing` with what is wrong where it does not. */
export async function verifyFeature(lab: FeatureLab, feature: Feature): Promise<void> {
  const checker = checkerOf(lab, feature);
  const deadline = performance.now() + settleMs;
  for (;;) {
    const wrong = await feature.check(checker);
    if (wrong === undefined) break;
    if (performance.now() > deadline) throw new CodedError('NotActing', `${feature.id}: ${wrong}`);
    await pause(pollMs);
  }
}

/** What the checks of a row are made with. */
export function checkerOf(lab: FeatureLab, feature: Feature): Checker {
  const target = lab.target(feature);
  const { name, stranger, mirror } = lab.ground(feature);
  const agentLog = join(playgroundPaths(name).logs, 'agent-n1.log');
  const ask = (netns: string, request: FeatureRequest, argv: readonly string[], query: string) =>
    curl(netns, [...argv, ...fields(request), `http://${target.host}:80${request.path}${query}`]);
  return {
    ask: (request = feature.request, { count = 1, method = 'GET' } = {}) =>
      ask(target.netns, request, ['-X', method], count === 1 ? '' : `?[1-${count}]`),
    askAnew: async (request, count) => {
      const answers: Answer[] = [];
      for (let i = 0; i < count; i++) answers.push(...(await ask(target.netns, request, [], '')));
      return answers;
    },
    askAsStranger: () => ask(stranger.netns, feature.request, [], ''),
    mirrored: async () => {
      const [answer] = await curl(target.netns, [`http://${mirror.ip}:${originPorts.status}/`]);
      return Number(/(\d+) (\d+) (\d+)/.exec(answer?.body ?? '')?.[3]);
    },
    accessLogLines: async () => {
      await pause(logBatchMs);
      return readFileSync(agentLog, 'utf8').split('"part":"agent-access"').length - 1;
    },
  };
}

function fields(request: FeatureRequest): string[] {
  return Object.entries(request.headers ?? {}).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
}

async function curl(netns: string, argv: readonly string[]): Promise<Answer[]> {
  const text = await runOrThrow('curl', ['-sS', '-i', '--max-time', '15', ...argv], { netns, timeoutMs });
  return parseAnswers(text);
}

/** Reads what `curl -i` prints for one request or several. */
export function parseAnswers(text: string): Answer[] {
  return text.split(/(?=^HTTP\/1\.1 \d{3})/m).flatMap((each) => {
    const status = /^HTTP\/1\.1 (\d{3})/.exec(each)?.[1];
    if (status === undefined) return [];
    const end = each.indexOf('\r\n\r\n');
    const lines = each.slice(0, end).split('\r\n').slice(1);
    const headers = new Map(
      lines.map((line) => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
      }),
    );
    return [{ status: Number(status), headers, body: each.slice(end + 4) }];
  });
}
