import { TestCa } from '@tulle/testkit';
import { waitFor } from '../src/playground-client.ts';
import type { SuiteGround } from './ground.ts';
import { caseManifests, sharedManifests, type SuiteCertificates } from './manifests.ts';
import { versions } from './model.ts';
import type { Answer, Check, ClientNamespace, Expectation, Question, RouteCase } from './model.ts';
import { differences } from './verdict.ts';

const defaultPorts = { http1: 80, grpc: 90, tcp: 7000, tls: 443 } as const;
const answerTimeoutMs = 20_000;

/** What came of the questions of a suite. */
export type Answers = ReadonlyMap<Check, Answer>;

/** What servers show over TLS. */
function certificates(): SuiteCertificates {
  const authority = new TestCa({ commonName: 'route suite' });
  const { certPem, keyPem } = authority.issue({
    dnsNames: ['app.example', 'other-app.example'],
    uris: ['spiffe://suite.example/app'],
  });
  const other = new TestCa({ commonName: 'another authority' });
  return {
    certificate: certPem,
    key: keyPem,
    root: authority.certificate.certPem,
    otherRoot: other.certificate.certPem,
  };
}

/** Why a case cannot run on this ground: a kind that its objects name is not there. Undefined when it can. */
export function whyNot(one: RouteCase, ground: SuiteGround): string | undefined {
  const text = JSON.stringify(one.manifests);
  return [...ground.absentKinds].find(([kind]) => text.includes(`"kind":"${kind}"`))?.[1];
}

/** What must come of a question on this ground. */
export function expectationOn(ground: Pick<SuiteGround, 'source'>, check: Check): Expectation {
  return ground.source === 'kubernetes' ? (check.onKubernetes ?? check.expectation) : check.expectation;
}

/** What is not as it must be in what came of a case, a sentence each. */
export function problemsOf(one: RouteCase, answers: Answers, ground: SuiteGround): string[] {
  return one.checks.flatMap((check) => {
    const answer = answers.get(check);
    const wrong = answer === undefined ? ['nothing came of it'] : differences(answer, expectationOn(ground, check));
    return wrong.map((text) => `${JSON.stringify(check.question)}: ${text}`);
  });
}

/**
 * Brings the objects of the cases into force and asks everything through real sockets: each client the questions of its
 * namespace, many cases beside each other, the questions of one case one after the other.
 */
export async function askAll(cases: readonly RouteCase[], ground: SuiteGround): Promise<Answers> {
  const isPresent = ({ kind }: { readonly kind?: unknown }) => !ground.absentKinds.has(String(kind));
  await ground.apply({
    shared: sharedManifests(certificates()).filter(isPresent),
    cases: cases.flatMap(caseManifests),
  });
  // A pod whose readiness was in doubt while it was captured is ready again a moment later.
  await waitFor('every version answers', answerTimeoutMs, async () => {
    const lists = versions.map((version) => [asked({}, version)]);
    const results = await ask(ground, 'routes', lists);
    return results.every(([answer], i) => answer?.headers?.['x-version'] === versions[i]) ? true : undefined;
  });
  const answers = new Map<Check, Answer>();
  for (const namespace of ['routes', 'guests'] as const) {
    const lists = cases.map(({ checks }) => checks.filter(({ question }) => (question.from ?? 'routes') === namespace));
    const questions = lists.map((checks, i) => checks.map(({ question }) => asked(question, cases[i]?.service ?? '')));
    const results = await ask(ground, namespace, questions);
    lists.forEach((checks, i) =>
      checks.forEach((check, j) => {
        const answer = results[i]?.[j];
        if (answer !== undefined) answers.set(check, answer);
      }),
    );
  }
  return answers;
}

/** A question as the client takes it. */
function asked(question: Question, service: string): object {
  const port = defaultPorts[question.over ?? 'http1'];
  return { port, path: '/', ...question, host: `${question.to ?? service}.routes` };
}

/** Has the client of a namespace ask; gives its answers in the same shape. */
async function ask(
  ground: SuiteGround,
  namespace: ClientNamespace,
  questions: readonly (readonly object[])[],
): Promise<readonly (readonly Answer[])[]> {
  const printed = await ground.exec(`${namespace}/client`, ['node', 'route-client.mjs'], JSON.stringify(questions));
  return JSON.parse(printed) as readonly (readonly Answer[])[];
}
