import { formatDuration, type CertificateAuthorityView, type RootRotationView } from '@tulle/admin-api';
import type { Colors } from '../cli-context.ts';
import { alignColumns, printable } from '../table.ts';
import { rootRow } from './certificates.ts';

/** The lines of `tulle ca status`. */
export function renderAuthority(view: CertificateAuthorityView, colors: Colors): string[] {
  const { state, rootExpiresInMs, issuedLast24Hours, refusedLast24Hours } = view.status;
  const shown = state === 'ok' ? colors.green(state) : colors.red(state);
  const expiry = `root expires in ${formatDuration(rootExpiresInMs)}`;
  const issued = `issued ${issuedLast24Hours} in the last 24 h, ${refusedLast24Hours} refused`;
  const header = ['ROOT', 'EXPIRES IN', 'SIGNS', 'SHA-256'].map((text) => colors.dim(text));
  return [
    ...alignColumns([
      ['ca', shown, `${expiry}, ${issued}`],
      ['rotation', view.rotation.phase, phaseText(view.rotation.phase)],
    ]),
    ...alignColumns([header, ...view.roots.map(rootRow)]),
    ...view.rotation.waitsFor.map((one) => `${colors.red('!')} ${printable(one)}`),
  ];
}

function phaseText(phase: RootRotationView['phase']): string {
  switch (phase) {
    case 'idle':
      return 'no root is being replaced';
    case 'prepared':
      return 'a new root is trusted beside the old one, which signs';
    case 'switched':
      return 'the new root signs; the old one is still trusted';
    case 'unsupported':
      return 'the root is not kept by this controller';
  }
}
