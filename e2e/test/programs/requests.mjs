// usage: node requests.mjs JSON, a list of {url, count, concurrency, perSecond, fresh, method, headers}
// Makes the requests of each, and prints how often each answer came: by the status and the server's version, or the
// mesh's reason, or the error's code. `fresh`: a connection for each request. `count` 0: until standard input ends.
// `perSecond`: how many requests all clients begin together in a second at most.
import { Agent, request } from 'node:http';

let stopped = false;

function send(plan, agent, tell) {
  return new Promise((done) => {
    const end = (answer, details = {}) => {
      tell(answer, details);
      done();
    };
    const options = { agent, method: plan.method ?? 'GET', headers: plan.headers ?? {} };
    const sent = request(plan.url, options, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (part) => (body += part));
      response.on('error', (error) => end(`error ${error.code}`));
      response.on('end', () => {
        const { 'x-version': version, 'tulle-reason': reason } = response.headers;
        const json = response.headers['content-type'] === 'application/json' ? JSON.parse(body) : null;
        end(`${response.statusCode} ${version ?? reason ?? ''}`.trim(), { headers: response.headers, body: json });
      });
    });
    sent.on('error', (error) => end(`error ${error.code}`));
    sent.end();
  });
}

async function run(plan) {
  const concurrency = plan.concurrency ?? 1;
  const agent = new Agent({ keepAlive: plan.fresh !== true, maxSockets: concurrency });
  const result = { requests: 0, answers: {}, last: {} };
  const count = plan.count ?? 1;
  let started = 0;
  const beganMs = performance.now();
  const client = async () => {
    while (!stopped && (count === 0 || started < count)) {
      const turnMs = plan.perSecond === undefined ? 0 : beganMs + (started * 1000) / plan.perSecond;
      started += 1;
      const waitMs = turnMs - performance.now();
      if (waitMs > 0) await new Promise((begin) => setTimeout(begin, waitMs));
      await send(plan, agent, (answer, details) => {
        // Whoever waits for requests to flow hears of the first answer.
        if (count === 0 && result.requests === 0) process.stdout.write('\n');
        result.requests += 1;
        result.answers[answer] = (result.answers[answer] ?? 0) + 1;
        result.last = details;
      });
    }
  };
  await Promise.all(Array.from({ length: concurrency }, client));
  agent.destroy();
  return result;
}

const plans = JSON.parse(process.argv[2]);
if (plans.some((plan) => plan.count === 0)) {
  process.stdin.on('end', () => (stopped = true));
  process.stdin.resume();
}
const results = [];
for (const plan of plans) results.push(await run(plan));
process.stdout.write(`${JSON.stringify(results)}\n`, () => process.exit(0));
