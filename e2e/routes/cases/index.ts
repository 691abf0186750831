import type { RouteCase } from '../model.ts';
import { cases as attachment } from './attachment.ts';
import { cases as cors } from './cors.ts';
import { cases as grpc } from './grpc.ts';
import { cases as headers } from './headers.ts';
import { cases as matches } from './matches.ts';
import { cases as precedence } from './precedence.ts';
import { cases as redirects } from './redirects.ts';
import { cases as rewrites } from './rewrites.ts';
import { cases as sessions } from './sessions.ts';
import { cases as tls } from './tls.ts';
import { cases as traffic } from './traffic.ts';

/** Every case of the suite. */
export const routeCases: readonly RouteCase[] = [
  ...matches,
  ...precedence,
  ...headers,
  ...redirects,
  ...rewrites,
  ...traffic,
  ...cors,
  ...attachment,
  ...grpc,
  ...sessions,
  ...tls,
];
