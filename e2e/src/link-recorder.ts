import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

/** What a packet capture on a link showed. */
export interface LinkCapture {
  /** TCP packets that crossed the link. */
  readonly packets: number;
  /** How many of `words` were found in clear, anywhere in the packets. */
  readonly found: readonly string[];
}

type Tcpdump = ChildProcessByStdio<null, null, Readable>;

/** Captures what crosses a node's link, all of each packet, until stopped. */
export class LinkRecorder implements AsyncDisposable {
  readonly #directory: string;
  readonly #file: string;
  readonly #tcpdump: Tcpdump;

  private constructor(netns: string, link: string) {
    this.#directory = mkdtempSync(join(tmpdir(), 'tulle-link-'));
    this.#file = join(this.#directory, 'link.pcap');
    const wholePackets = ['-s', '0'];
    const atOnce = ['-U', '--immediate-mode', '-B', '65536'];
    // As root, tcpdump gives up its rights otherwise, and could not write the file.
    const argv = ['-i', link, ...wholePackets, ...atOnce, '-Z', 'root', '-w', this.#file, 'tcp'];
    this.#tcpdump = spawn('ip', ['netns', 'exec', netns, 'tcpdump', ...argv], { stdio: ['ignore', 'ignore', 'pipe'] });
  }

  /** Starts tcpdump in the node's namespace; comes back when it listens. */
  static async start(node: { readonly netns: string; readonly link: string }): Promise<LinkRecorder> {
    const recorder = new LinkRecorder(node.netns, node.link);
    await listening(recorder.#tcpdump);
    return recorder;
  }

  /** Ends the capture and looks for `words` in all that was captured. */
  async stop(words: readonly string[]): Promise<LinkCapture> {
    await this.#end();
    const bytes = readFileSync(this.#file);
    rmSync(this.#directory, { recursive: true, force: true });
    return { packets: countPackets(bytes), found: words.filter((word) => bytes.includes(word)) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #end(): Promise<void> {
    if (this.#tcpdump.exitCode !== null || this.#tcpdump.signalCode !== null) return;
    const gone = once(this.#tcpdump, 'exit');
    this.#tcpdump.kill('SIGINT');
    await gone;
  }
}

function listening(tcpdump: Tcpdump): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    tcpdump.stderr.on('data', (bytes) => {
      said += bytes;
      if (said.includes('listening on')) resolve();
    });
    tcpdump.once('exit', () => reject(new Error(`tcpdump ended: ${said}`)));
    tcpdump.once('error', reject);
  });
}

const fileHeaderBytes = 24;
const packetHeaderBytes = 16;

/** The packets of a capture file (libpcap's classic format, little endian). */
function countPackets(bytes: Buffer): number {
  let count = 0;
  let at = fileHeaderBytes;
  while (at + packetHeaderBytes <= bytes.length) {
    at += packetHeaderBytes + bytes.readUInt32LE(at + 8);
    count += 1;
  }
  return count;
}
