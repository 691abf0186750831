"""Asks cart for every request that it gets, and passes the answer on."""

import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import URLError
from urllib.request import Request, urlopen


class Web(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        headers = {name: value for name, value in self.headers.items() if name.lower().startswith("x-")}
        try:
            with urlopen(Request("http://cart" + self.path, headers=headers), timeout=5) as answer:
                status, body = answer.status, answer.read()
        except URLError as error:
            status, body = getattr(error, "code", 502), f"cart: {error}\n".encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
ThreadingHTTPServer(("0.0.0.0", 8080), Web).serve_forever()
