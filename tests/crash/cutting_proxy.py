# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy on loopback that cuts connections where it is told to, with a reset."""

import asyncio
import random
import socket
import struct
import threading

CHUNK = 64 * 1024


class _Connection:
    def __init__(self, writers, budgets):
        self.writers = writers
        self.budgets = budgets  # bytes that each direction may still take; None: any number

    def cut(self):
        for writer in self.writers:
            if not writer.transport.is_closing():
                handle = writer.get_extra_info("socket")
                handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()


class CuttingProxy:
    """Listens on `port`, connects to `target_port`; `on_cut()` is called at each cut, before it.

    It has a thread of its own.
    """

    def __init__(self, port, target_port, on_cut):
        self.port, self.target_port, self.on_cut = port, target_port, on_cut
        self.budget_maxima = (None, None)
        self.connections = set()
        self.server = None
        self.random = random.Random(port)
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self._wait(self._listen())

    def _wait(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(30)

    def plan(self, up, down):
        """From now on a connection is cut after some bytes of either direction, at most so many;
        None: not at all."""
        self._wait(self._plan(up, down))

    def set_open(self, is_open):
        self._wait(self._listen() if is_open else self._close())

    def cut_all(self):
        self._wait(self._cut_all())

    async def _plan(self, up, down):
        self.budget_maxima = (up, down)
        for connection in self.connections:
            connection.budgets = self._budgets()

    def _budgets(self):
        return [None if most is None else self.random.randint(1, most)
                for most in self.budget_maxima]

    async def _listen(self):
        if self.server is None:
            self.server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def _close(self):
        if self.server is not None:
            self.server.close()
            self.server = None
        await self._cut_all()

    async def _cut_all(self):
        self.on_cut()
        for connection in list(self.connections):
            connection.cut()

    async def _serve(self, reader, writer):
        try:
            to_reader, to_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
        except OSError:
            writer.transport.abort()
            return
        connection = _Connection((writer, to_writer), self._budgets())
        self.connections.add(connection)
        await asyncio.gather(self._pump(connection, 0, reader, to_writer),
                             self._pump(connection, 1, to_reader, writer))
        self.connections.discard(connection)

    async def _pump(self, connection, direction, reader, writer):
        try:
            while data := await reader.read(CHUNK):
                budget = connection.budgets[direction]
                if budget is not None and len(data) >= budget:
                    self.on_cut()
                    writer.write(data[:budget])  # the other side may still see these
                    await asyncio.sleep(0)
                    connection.cut()
                    return
                if budget is not None:
                    connection.budgets[direction] = budget - len(data)
                writer.write(data)
                await writer.drain()
            writer.close()
        except OSError:
            connection.cut()
