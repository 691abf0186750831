import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { TestCertificate } from '@tulle/testkit';
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
  return `
daemon off;
user root;
worker_processes 1;
pid ${directory}/nginx.pid;
error_log stderr error;
events { worker_connections 4096; }
http {
  access_log off;
  default_type text/plain;
  tcp_nodelay on;
  keepalive_timeout 3600;
  keepalive_requests 1000000000;
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;${plain.join('')}
  server {
    listen ${originPorts.tls} ssl;
    ssl_certificate ${directory}/tls.crt;
    ssl_certificate_key ${directory}/tls.key;${locations}
  }
  server {
    listen ${originPorts.status};
    location / { stub_status; }
  }
}
`;
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
