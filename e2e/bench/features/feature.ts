import type { Checker, Feature, FeatureRequest } from './model.ts';
import { originPorts, routes } from './routes.ts';

/** A check that one request is answered with 200 and a body that `fits`; `words` say what was expected. */
export function answers(fits: (body: string) => boolean, words: string): Feature['check'] {
  return async (checker) => {
    const [answer] = await checker.ask();
    return answer?.status === 200 && fits(answer.body)
      ? undefined
      : `${words}, but it answered ${answer?.status} "${answer?.body.trim()}"`;
  };
}

/** A check that also has a request refused for which there is no rule. */
export function refused(check: Feature['check'], request: FeatureRequest): Feature['check'] {
  return async (checker: Checker) => {
    const wrong = await check(checker);
    if (wrong !== undefined) return wrong;
    const [answer] = await checker.ask(request);
    return answer?.status === 404 ? undefined : `another request got ${answer?.status}, and should get 404`;
  };
}

/** That a route leads elsewhere than its Service alone would. */
export const routed = answers(
  (body) => body.startsWith(`${originPorts.routed} `),
  'the route leads to the routed backend',
);

/** A row of a Service of its own with a route of these rules, compared with one rule that does nothing. */
export function feature(
  id: string,
  group: string,
  title: string,
  rules: readonly object[],
  request: FeatureRequest = { path: '/' },
): Feature {
  const service = `f-${id}`;
  return {
    id,
    group,
    title,
    ground: 'shared',
    service,
    objects: routes(service, rules),
    app: 'origin',
    request,
    against: 'one-rule',
    check: routed,
  };
}
