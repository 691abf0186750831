import type { CertificateAuthority } from './certificate-authority.ts';
import type { RotationPhase } from './file-root-store.ts';

/** What those who have certificates signed need of an authority, whether its root may change or not. */
export type Authority = Pick<CertificateAuthority, 'sign' | 'issueServingCertificate' | 'trustBundle' | 'issuer'>;

/** The steps that replace a root, and the one that gives up before the new one has signed. */
export type RotationStep = 'prepare' | 'switch' | 'finish' | 'abort';

/** From which phase each step may be taken. */
export const startOfStep: Readonly<Record<RotationStep, RotationPhase>> = {
  prepare: 'idle',
  switch: 'prepared',
  finish: 'switched',
  abort: 'prepared',
};

/** An authority whose root is replaced in steps while it is in use. */
export interface RotatableAuthority extends Authority {
  readonly phase: RotationPhase;
  /** Whether a rotation that has begun is to be led on without being asked: an operator has given another issuer. */
  readonly automatic: boolean;
  /** Takes a step. Throws, or rejects with, a `CodedError`: `rotation-phase`, `rotation-given`, or the store's. */
  take(step: RotationStep): void | Promise<void>;
  /** Calls `listener` after each change of the issuer or of the roots. */
  onChange(listener: () => void): void;
}
