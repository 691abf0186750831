"""usage: connect.py HOST PORT BYTES: says what became of a connection, and of bytes sent on it."""

import socket
import sys

host, port, text = sys.argv[1:]
try:
    connection = socket.create_connection((host, int(port)), 10)
except OSError as error:
    print(f"not connected: {type(error).__name__}")
    sys.exit()
try:
    connection.sendall(text.encode())
    print(f"connected, then {connection.recv(4096).decode()}")
except OSError as error:
    print(f"connected, then {type(error).__name__}")
