import type { MeshPipeline } from '../pipeline/mesh-pipeline.ts';
import { AdminError } from './admin-error.ts';
import type { AdminHandler } from './admin-server.ts';

/** Answers probes and nothing else: `/healthz`, and `/readyz` once everything has been read and published. */
export function readinessHandler(pipeline: Pick<MeshPipeline, 'started'>): AdminHandler {
  return ({ segments }) => {
    const path = segments.join('/');
    if (path === 'healthz') return { status: 'ok' };
    if (path !== 'readyz') throw new AdminError(404, 'UnknownPath', 'there is only /healthz and /readyz here');
    if (pipeline.started) return { status: 'ok' };
    throw new AdminError(503, 'Syncing', 'the objects have not been read to their end yet');
  };
}
