import { CodedError, errorMessage } from '@tulle/core';
import {
  cliApiVersion,
  type AuthorizationCheckView,
  type CertificateAuthorityView,
  type CertificatesView,
  type ErrorView,
  type PodView,
  type RouteListView,
  type RouteView,
  type ServiceView,
  type StatusView,
} from '@tulle/admin-api';
import type { ControllerAddress } from './controller-address.ts';

/** The documents that the controller answers, by their `kind`. */
interface Documents {
  readonly Status: StatusView;
  readonly Service: ServiceView;
  readonly Route: RouteView;
  readonly RouteList: RouteListView;
  readonly Certificates: CertificatesView;
  readonly CertificateAuthority: CertificateAuthorityView;
  readonly Pod: PodView;
  readonly AuthorizationCheck: AuthorizationCheckView;
}

const answerTimeoutMs = 10_000;
const maxAnswerBytes = 256 * 1024 * 1024;

/**
 * Asks the controller's admin endpoint for the document at `path`.
 *
 * Throws a {@link CodedError} with the code, message and hint that the controller answered, `Unreachable` when it did
 * not answer, or `WrongVersion` when it answered what this CLI does not know.
 */
export async function fetchDocument<K extends keyof Documents>(
  address: ControllerAddress,
  kind: K,
  path: string,
): Promise<Documents[K]> {
  return await documentOf(address, kind, { path, method: 'GET' });
}

/** Has the controller do something, and takes the document that it answers. Throws as {@link fetchDocument}. */
export async function postDocument<K extends keyof Documents>(
  address: ControllerAddress,
  kind: K,
  path: string,
): Promise<Documents[K]> {
  return await documentOf(address, kind, { path, method: 'POST' });
}

interface AdminCall {
  readonly path: string;
  readonly method: 'GET' | 'POST';
}

async function documentOf<K extends keyof Documents>(
  address: ControllerAddress,
  kind: K,
  call: AdminCall,
): Promise<Documents[K]> {
  const { statusCode, body } = await ask(address, call);
  if (statusCode !== 200) throw refusal(statusCode, body, address);
  const document = body as { apiVersion?: unknown; kind?: unknown } | null;
  if (document?.apiVersion !== cliApiVersion || document.kind !== kind) {
    throw new CodedError('WrongVersion', `${address.mesh} does not speak ${cliApiVersion}`, {
      hint: 'tulle version   (the CLI and the controller should be of one version)',
    });
  }
  return body as Documents[K];
}

async function ask(
  address: ControllerAddress,
  { path, method }: AdminCall,
): Promise<{ statusCode: number; body: unknown }> {
  const { Client } = await import('undici');
  const client = new Client('http://controller', {
    socketPath: address.socketPath,
    headersTimeout: answerTimeoutMs,
    bodyTimeout: answerTimeoutMs,
    maxResponseSize: maxAnswerBytes,
    connect: { timeout: answerTimeoutMs },
  });
  try {
    const answer = await client.request({ path, method });
    return { statusCode: answer.statusCode, body: await answer.body.json() };
  } catch (error) {
    const why = errorMessage(address.explain?.() ?? error);
    throw new CodedError('Unreachable', `cannot reach the controller of ${address.mesh}: ${why}`, {
      hint: address.hint,
    });
  } finally {
    await client.destroy();
    await address.close?.();
  }
}

function refusal(statusCode: number, body: unknown, address: ControllerAddress): CodedError {
  const error = (body as Partial<ErrorView> | null)?.error;
  if (typeof error?.message !== 'string') {
    return new CodedError('Refused', `${address.mesh} answered with status ${statusCode}`, { hint: address.hint });
  }
  return new CodedError(error.code, error.message, error.hint === undefined ? {} : { hint: error.hint });
}
