import {
  formatDuration,
  type CertificatesView,
  type RootCertificateView,
  type WorkloadCertificateView,
} from '@tulle/admin-api';
import type { Colors } from '../cli-context.ts';
import { alignColumns, printable } from '../table.ts';

/** The lines of `tulle certificates`. */
export function renderCertificates(view: CertificatesView, colors: Colors): string[] {
  const title = (text: string) => colors.dim(text);
  const roots = [['ROOT', 'EXPIRES IN', 'SIGNS', 'SHA-256'].map(title), ...view.roots.map(rootRow)];
  const names = ['NODE', 'IDENTITY', 'STATE', 'FROM', 'UNTIL', 'EXPIRES IN', 'NEXT RENEWAL', 'SERIAL', 'ISSUER'];
  const header = names.map(title);
  return [
    ...alignColumns(roots),
    '',
    ...(view.certificates.length === 0
      ? ['No agent holds a workload certificate.']
      : alignColumns([header, ...view.certificates.map((certificate) => certificateRow(certificate, colors))])),
    ...view.certificates.flatMap((certificate) =>
      certificate.lastError === undefined
        ? []
        : [`${colors.red('!')} ${printable(`${certificate.node}: ${certificate.identity}: ${certificate.lastError}`)}`],
    ),
  ];
}

/** A root's line in a table. */
export function rootRow(root: RootCertificateView): string[] {
  return [
    printable(root.subject),
    formatDuration(root.expiresInMs),
    root.signing ? 'yes' : 'no',
    root.fingerprintSha256.slice(0, 16),
  ];
}

function certificateRow(certificate: WorkloadCertificateView, colors: Colors): string[] {
  return [
    printable(certificate.node),
    printable(certificate.identity),
    certificate.state === 'valid' ? colors.green(certificate.state) : colors.red(certificate.state),
    time(certificate.notBefore),
    time(certificate.notAfter),
    certificate.expiresInMs === undefined ? '-' : formatDuration(certificate.expiresInMs),
    time(certificate.nextRenewal),
    certificate.serialNumber ?? '-',
    certificate.issuer === undefined ? '-' : printable(certificate.issuer),
  ];
}

/** To the second, in UTC. */
function time(rfc3339: string | undefined): string {
  return rfc3339 === undefined ? '-' : printable(`${rfc3339.slice(0, 10)} ${rfc3339.slice(11, 19)}Z`);
}
