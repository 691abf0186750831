import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a packet capture on a link showed. */
export interface LinkCapture {
  /** TCP packets between the nodes that carried data of pods. */
  readonly packets: number;
  /** How many of `words` were found in clear, anywhere in the packets. */
  readonly found: readonly string[];
}

/** Captures what crosses a node's link, all of each packet, until stopped. */
export class LinkRecorder {
  readonly #file = join(tmpdir(), `tulle-demo-${process.pid}-${Date.now()}.pcap`);
  readonly #stop: () => Promise<void>;

  private constructor(start: (file: string) => () => Promise<void>) {
    this.#stop = start(this.#file);
  }

  /** Starts tcpdump in the node's namespace; comes back when it listens. */
  static async start(netns: string, link: string): Promise<LinkRecorder> {
    let child: ReturnType<typeof spawn> | undefined;
    const recorder = new LinkRecorder((file) => {
      child = spawn(
        'ip',
        [
          'netns',
          'exec',
          netns,
          'tcpdump',
          '-i',
          link,
          '-s',
          '0',
          '-U',
          '--immediate-mode',
          '-B',
          '65536',
          '-w',
          file,
          'tcp',
        ],
        {
          stdio: ['ignore', 'ignore', 'pipe'],
        },
      );
      const tcpdump = child;
      return async () => {
        tcpdump.kill('SIGINT');
        if (tcpdump.exitCode === null) await once(tcpdump, 'exit');
      };
    });
    await new Promise<void>((resolve, reject) => {
      let said = '';
      child?.stderr?.on('data', (bytes) => {
        said += bytes;
        if (said.includes('listening on')) resolve();
      });
      child?.once('exit', () => reject(new Error(`tcpdump ended: ${said}`)));
      child?.once('error', reject);
    });
    return recorder;
  }

  /** Ends the capture and looks for `words` in all that was captured. */
  async stop(words: readonly string[]): Promise<LinkCapture> {
    await this.#stop();
    const bytes = readFileSync(this.#file);
    rmSync(this.#file, { force: true });
    return { packets: countPackets(bytes), found: words.filter((word) => bytes.includes(word)) };
  }
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
