import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { TestCertificate } from '@tulle/testkit';
import { nginxConfig } from '../nginx.ts';
import type { PodProgram } from '../peers/peer.ts';
import { originPorts } from './routes.ts';

const helper = join(import.meta.dirname, 'origin.ts');

/** Every answer says what came: the port, the path, the authority and the field `x-feature`. */
const answer = '$server_port $request_uri $host $http_x_feature\\n';

function config(directory: string, helped: boolean): string {
  const locations = `
    location / { return 200 '${answer}'; }${
      helped
        ? `
    location /slow { proxy_pass http://127.0.0.1:${originPorts.helper}; }
    location /flaky { proxy_pass http://127.0.0.1:${originPorts.helper}; }`
        : ''
    }`;
  const plain = [originPorts.own, originPorts.routed, originPorts.other].map(
    (port) => `
  server {
    listen ${port};${locations}
  }`,
  );
  return nginxConfig(
    directory,
    `${plain.join('')}
  server {
    listen ${originPorts.tls} ssl;
    ssl_certificate ${directory}/tls.crt;
    ssl_certificate_key ${directory}/tls.key;${locations}
  }
  server {
    listen ${originPorts.status};
    location / { stub_status; }
  }`,
  );
}

/** The programs of a pod of the application, an nginx on the machine's last core; `helped` with the helper behind it. */
export function originPrograms(directory: string, certificate: TestCertificate, helped: boolean): PodProgram[] {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const write = (name: string, text: string) => writeFileSync(join(directory, name), text, { mode: 0o600 });
  write('tls.crt', certificate.certPem);
  write('tls.key', certificate.keyPem);
  write('nginx.conf', config(directory, helped));
  const core = `${availableParallelism() - 1}`;
  const command = [
    'taskset',
    '-c',
    core,
    'nginx',
    '-e',
    'stderr',
    '-p',
    directory,
    '-c',
    join(directory, 'nginx.conf'),
  ];
  const { own, routed, other, tls, status } = originPorts;
  const nginx = { name: 'nginx', command, ports: [own, routed, other, tls, status] };
  const argv = [process.execPath, '--disable-warning=ExperimentalWarning', helper, `${originPorts.helper}`];
  return helped ? [{ name: 'helper', command: argv, ports: [] }, nginx] : [nginx];
}
