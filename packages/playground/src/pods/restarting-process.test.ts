import { EventEmitter } from 'node:events';
import type { ChildProcess } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import { FakeClock } from '@tulle/testkit';
import { RestartingProcess } from './restarting-process.ts';
import type { RestartingProcessOptions } from './restarting-process.ts';

class FakeChild extends EventEmitter {
  readonly pid = process.pid;
  readonly killed: string[] = [];

  kill(signal: string): boolean {
    this.killed.push(signal);
    return true;
  }

  end(code: number): void {
    this.emit('exit', code, null);
  }
}

function fixture(options: Partial<RestartingProcessOptions> = {}) {
  const clock = new FakeClock();
  const children: FakeChild[] = [];
  const managed = new RestartingProcess({
    start: () => {
      const child = new FakeChild();
      children.push(child);
      // Only what the class uses of a child process is there.
      return child as EventEmitter as ChildProcess;
    },
    restart: () => true,
    restartAtOnce: false,
    backoff: { initialMs: 100, maxMs: 1000, jitter: 0 },
    resetAfterMs: 10_000,
    clock,
    onChange: () => {},
    ...options,
  });
  managed.start();
  return { clock, children, managed, last: () => children.at(-1) };
}

/** Ends the process again and again; gives how long each restart took. */
function delays(count: number, options: Partial<RestartingProcessOptions> = {}): (number | undefined)[] {
  const { clock, last } = fixture(options);
  return Array.from({ length: count }, () => {
    last()?.end(1);
    const delay = clock.nextInMs;
    clock.advance(delay ?? 0);
    return delay;
  });
}

describe('RestartingProcess', () => {
  it('waits longer and longer before it starts what keeps ending', () => {
    expect(delays(6)).toEqual([100, 200, 400, 800, 1000, 1000]);
  });

  it('starts again at once the first time, when told so', () => {
    expect(delays(4, { restartAtOnce: true })).toEqual([0, 100, 200, 400]);
  });

  it('begins with the first delay again after a long life', () => {
    const { clock, last, managed } = fixture();
    for (let i = 0; i < 3; i++) {
      last()?.end(1);
      clock.advance(1000);
    }
    clock.advance(10_000);
    last()?.end(1);
    expect(clock.nextInMs).toBe(100);
    expect(managed.restarts).toBe(3);
  });

  it('stays ended when it ought not to be started again', () => {
    const { clock, last, managed, children } = fixture({ restart: (exit) => exit.code !== 0 });
    last()?.end(0);
    clock.advance(60_000);
    expect(children).toHaveLength(1);
    expect(managed.state).toEqual({ kind: 'ended', last: { code: 0, words: 'exit status 0' } });
  });

  it('tells a signal as a shell does', () => {
    const { last, managed } = fixture();
    last()?.emit('exit', null, 'SIGKILL');
    expect(managed.state).toEqual({ kind: 'waiting', last: { code: 137, words: 'signal SIGKILL' } });
  });

  it('does not start again what was released, whether it runs or waits', () => {
    const running = fixture();
    running.managed.release();
    running.last()?.end(1);
    running.clock.advance(60_000);
    expect(running.children).toHaveLength(1);
    const waiting = fixture();
    waiting.last()?.end(1);
    waiting.managed.release();
    expect(waiting.managed.state.kind).toBe('ended');
    waiting.clock.advance(60_000);
    expect(waiting.children).toHaveLength(1);
  });

  it('tries again when it could not be started at all', () => {
    let tries = 0;
    const start = (): ChildProcess => {
      tries++;
      throw new Error('no such program');
    };
    const { clock, managed } = fixture({ start });
    expect(managed.state).toEqual({ kind: 'waiting', last: { code: -1, words: 'no such program' } });
    clock.advance(100);
    expect(tries).toBe(2);
  });

  it('kills what it is disposed with', () => {
    const { managed, last } = fixture();
    managed[Symbol.dispose]();
    expect(last()?.killed).toEqual(['SIGKILL']);
  });
});
