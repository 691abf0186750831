"""A server that speaks HTTP/1.0: it ends every response by closing."""

import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Old(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("x-path", self.path)
        self.end_headers()
        self.wfile.write(b"from an old server")

    def log_message(self, *args):
        pass


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
ThreadingHTTPServer(("0.0.0.0", 8000), Old).serve_forever()
