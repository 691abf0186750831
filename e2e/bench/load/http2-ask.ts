// Asks for one thing many times over one connection of HTTP/2 in plaintext: `node http2-ask.ts URL COUNT [NAME VALUE]`.
// Prints the bodies. (curl 7.88 fails from the second request on where HTTP/2 is known beforehand.)
import { connect } from 'node:http2';
import { text } from 'node:stream/consumers';

const [url = '', count = '', name, value] = process.argv.slice(2);
const { origin, pathname } = new URL(url);
const session = connect(origin);
for (let i = 0; i < Number(count); i++) {
  const headers = { ':path': pathname, ...(name === undefined || value === undefined ? {} : { [name]: value }) };
  process.stdout.write(await text(session.request(headers)));
}
session.close();
