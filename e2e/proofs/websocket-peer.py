"""A WebSocket server that says back what it hears, and a client that does: what the Autobahn cases are run against.

    websocket-peer.py serve HOST PORT
    websocket-peer.py ask URL     every case of the fuzzing server at URL, one after the other
"""

import asyncio
import sys

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

OPTIONS = {"max_size": None, "ping_interval": None}


async def echo(websocket):
    try:
        async for message in websocket:
            await websocket.send(message)
    except ConnectionClosed:
        pass


async def run_server(host, port):
    async with serve(echo, host, port, **OPTIONS) as server:
        await server.serve_forever()


async def ask(url):
    async with connect(f"{url}/getCaseCount", **OPTIONS) as websocket:
        cases = int(await websocket.recv())
    for case in range(1, cases + 1):
        try:
            async with connect(f"{url}/runCase?case={case}&agent=peer", **OPTIONS) as websocket:
                await echo(websocket)
        except Exception as error:  # The fuzzing server judges what happened, this end goes on.
            print(f"case {case}: {error!r}", file=sys.stderr)
    async with connect(f"{url}/updateReports?agent=peer", **OPTIONS) as websocket:
        await echo(websocket)


if sys.argv[1] == "serve":
    asyncio.run(run_server(sys.argv[2], int(sys.argv[3])))
else:
    asyncio.run(ask(sys.argv[2]))
