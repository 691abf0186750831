// A client: sends requests on kept connections and counts the answers. Runs until COUNT is reached, or until its input ends.
// usage: node load.mjs URL COUNT CONCURRENCY [HEADER VALUE]      COUNT 0: until standard input ends
import { Agent, request } from 'node:http';

const [url, countText, concurrencyText, headerName, headerValue] = process.argv.slice(2);
const count = Number(countText);
const concurrency = Number(concurrencyText);
const agent = new Agent({ keepAlive: true, maxSockets: concurrency });
const headers = { 'x-demo-marker': 'the-cart-of-ana', ...(headerName ? { [headerName]: headerValue } : {}) };
const result = { requests: 0, failed: 0, versions: {}, pods: {}, failures: {} };
let started = 0;
let stopped = false;
if (count === 0) {
  process.stdin.on('end', () => (stopped = true));
  process.stdin.resume();
}

function one() {
  return new Promise((done) => {
    const fail = (why) => {
      result.failed += 1;
      result.failures[why] = (result.failures[why] ?? 0) + 1;
      done();
    };
    const sent = request(url, { agent, headers }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (part) => (body += part));
      response.on('error', (error) => fail(error.message));
      response.on('end', () => {
        if (response.statusCode !== 200) return fail(`status ${response.statusCode}`);
        const { version, pod } = JSON.parse(body);
        result.versions[version] = (result.versions[version] ?? 0) + 1;
        result.pods[pod] = (result.pods[pod] ?? 0) + 1;
        done();
      });
    });
    sent.on('error', (error) => fail(error.message));
    sent.end();
  });
}

async function client() {
  while (!stopped && (count === 0 || started < count)) {
    started += 1;
    result.requests += 1;
    await one();
  }
}

await Promise.all(Array.from({ length: concurrency }, client));
agent.destroy();
process.stdout.write(`${JSON.stringify(result)}\n`);
process.exit(0);
