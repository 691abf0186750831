// Holds connections that a test opens, uses and closes. Reads a command a line from standard input, as JSON, and
// prints its answer as JSON: {id, …}. Commands: open {name, host, port}, say {name, text} (what comes back is the
// answer), chatter {name} (says something again and again from then on), quiet {name} (stops that: how often it was
// answered), close {name}, state {}.
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

const connections = new Map();

/** One connection to a server that echoes lines. */
class Connection {
  ended = null;
  answered = 0;
  chattering = false;
  #waiting = [];

  async open({ host, port }) {
    this.socket = connect({ host, port, noDelay: true });
    this.socket.on('error', (error) => this.#end(error.code));
    this.socket.on('close', () => this.#end('closed'));
    createInterface({ input: this.socket }).on('line', (line) => this.#waiting.shift()?.resolve(line));
    await once(this.socket, 'connect');
  }

  async say(text) {
    if (this.ended !== null) throw new Error(this.ended);
    const answer = Promise.withResolvers();
    this.#waiting.push(answer);
    this.socket.write(`${text}\n`);
    return await answer.promise;
  }

  async chatter() {
    this.chattering = true;
    while (this.chattering) {
      const line = `line ${this.answered}`;
      if ((await this.say(line)) !== line) this.#end('wrong answer');
      this.answered += 1;
    }
  }

  #end(why) {
    if (this.ended !== null) return;
    this.ended = why;
    for (const { reject } of this.#waiting) reject(new Error(why));
    this.socket.destroy();
  }
}

const commands = {
  async open({ name, host, port }) {
    const connection = new Connection();
    connections.set(name, connection);
    await connection.open({ host, port });
    return {};
  },
  say: async ({ name, text }) => ({ answer: await connections.get(name).say(text) }),
  chatter({ name }) {
    connections
      .get(name)
      .chatter()
      .catch(() => {});
    return {};
  },
  quiet({ name }) {
    const connection = connections.get(name);
    connection.chattering = false;
    return { answered: connection.answered, ended: connection.ended };
  },
  async close({ name }) {
    const { socket } = connections.get(name);
    if (!socket.destroyed) {
      socket.end();
      await once(socket, 'close');
    }
    return {};
  },
  state: () => ({
    connections: Object.fromEntries([...connections].map(([name, { ended, answered }]) => [name, { ended, answered }])),
  }),
};

createInterface({ input: process.stdin })
  .on('line', async (line) => {
    const { id, command, ...argument } = JSON.parse(line);
    let answer;
    try {
      answer = await commands[command](argument);
    } catch (error) {
      answer = { error: error.code ?? error.message };
    }
    process.stdout.write(`${JSON.stringify({ id, ...answer })}\n`);
  })
  .on('close', () => process.exit(0));
