// Loaded into every Node process of a profiled playground (NODE_OPTIONS=--import); works only in agents' workers.
// SIGUSR2 starts a CPU profile, and the next one ends it and writes it to TULLE_PROFILE_DIR as worker-PID.cpuprofile.
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { join } from 'node:path';

const directory = process.env.TULLE_PROFILE_DIR;
if (directory !== undefined && process.argv[1]?.endsWith('/agent/src/worker/main.ts')) {
  let session;
  process.on('SIGUSR2', () => {
    if (session === undefined) {
      session = new Session();
      session.connect();
      session.post('Profiler.enable');
      session.post('Profiler.setSamplingInterval', { interval: 250 });
      session.post('Profiler.start');
      return;
    }
    const ended = session;
    session = undefined;
    ended.post('Profiler.stop', (error, result) => {
      if (error === null)
        writeFileSync(join(directory, `worker-${process.pid}.cpuprofile`), JSON.stringify(result.profile));
      ended.disconnect();
    });
  });
}
