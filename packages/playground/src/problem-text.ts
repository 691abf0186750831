import type { PlaygroundProblem } from './state.ts';

/** `FILE:LINE: OBJECT: what is wrong`. */
export function problemText(problem: PlaygroundProblem): string {
  const { file, line, object, message } = problem;
  const place = file === undefined ? [] : [line === undefined ? file : `${file}:${line}`];
  const text = [...place, ...(object === undefined ? [] : [object]), message].join(': ');
  return problem.severity === 'warning' ? `warning: ${text}` : text;
}
