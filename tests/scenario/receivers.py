"""Receivers with a behaviour of their own, for tests/scenario/known_failures.py: one that falls over, one whose records have ETags."""
import asyncio
import http.server
import json
import threading
import time


class ServingPeer:
    """A server of asyncio in a thread of its own; `client` serves one connection, listed in `writers` meanwhile."""

    def __init__(self):
        self.writers = set()
        self.loop = asyncio.new_event_loop()
        self.server = self.loop.run_until_complete(asyncio.start_server(self.listed, "127.0.0.1", 0, backlog=1000))
        self.port = self.server.sockets[0].getsockname()[1]
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()

    async def listed(self, reader, writer):
        self.writers.add(writer)
        try:
            await self.client(reader, writer)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            self.writers.discard(writer)
            writer.close()

    async def client(self, reader, writer):
        raise NotImplementedError

    def stop(self):
        async def end():
            self.server.close()
            for writer in list(self.writers):
                writer.close()
            others = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
        asyncio.run_coroutine_threadsafe(end(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


class FragileReceiver(ServingPeer):
    """Handles `capacity` requests at once, each for `work_s`. With one more it fails: everything is answered with 503
    until it has been up again for `rest_s`. What it sees is kept: (second, how many were open, event id, taken)."""

    def __init__(self, capacity, work_s, rest_s, down=True):
        self.capacity, self.work_s, self.rest_s = capacity, work_s, rest_s
        self.down, self.open, self.falls, self.up_at, self.fell_until = down, 0, 0, None, 0.0
        self.seen, self.keys = [], {}
        super().__init__()

    def url(self):
        return f"http://127.0.0.1:{self.port}/gifts"

    def restart(self):
        self.down, self.up_at = False, time.monotonic()

    def taken(self):
        return {event for _, _, event, taken in list(self.seen) if taken}

    async def work(self):
        """True: served. One too many, and all that are open fail with it."""
        self.open += 1
        try:
            if self.open > self.capacity and time.monotonic() >= self.fell_until:
                self.falls += 1
                self.fell_until = time.monotonic() + self.rest_s
            if time.monotonic() < self.fell_until:
                return False
            await asyncio.sleep(self.work_s)
            return time.monotonic() >= self.fell_until
        finally:
            self.open -= 1

    async def client(self, reader, writer):
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = int(next(line.split(":")[1] for line in head.splitlines() if line.startswith("content-length:")))
            event = json.loads(await reader.readexactly(length))["id"]
            at, number = time.monotonic(), self.open + 1
            taken = not self.down and await self.work()
            self.seen.append((at, number, event, taken))
            writer.write(b"HTTP/1.1 " + (b"200 OK" if taken else b"503 Busy") + b"\r\nContent-Length: 2\r\n\r\n{}")
            await writer.drain()


class RecordReceiver:
    """Records below /donors/ID with an ETag each: GET, PUT (the whole), PATCH (members). If-Match and If-None-Match
    are kept to; what comes without them is taken, as most APIs do. `together`: a request is answered only when so many of
    its kind wait, or after `patience_s`, so that a race happens every time. `meanwhile` is done once, before the next
    write."""

    def __init__(self, records, together=1, patience_s=1.0):
        self.records, self.version = dict(records), {name: 1 for name in records}
        self.together, self.patience_s, self.meanwhile = together, patience_s, None
        self.writes, self.open, self.most = [], {"read": 0, "write": 0}, {"read": 0, "write": 0}
        self.changed = threading.Condition()
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def give(self, status, value=None, tag=None):
                body = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                if tag is not None:
                    self.send_header("ETag", tag)
                self.end_headers()
                self.wfile.write(body)

            def name(self):
                return self.path.rsplit("/", 1)[1]

            def do_GET(self):  # pylint: disable=invalid-name
                self.give(*owner.read(self.name()))

            def do_PUT(self):  # pylint: disable=invalid-name
                value = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self.give(*owner.write(self.command, self.name(), value, self.headers))

            do_PATCH = do_PUT

            def log_message(self, format, *args):  # pylint: disable=redefined-builtin
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
        self.server = Server(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    def url(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}/donors"

    def tag(self, name):
        return f'"v{self.version[name]}"'

    def read(self, name):
        with self.changed:
            if name not in self.records:
                return 404, {"error": "no such donor"}
            answer = 200, dict(self.records[name]), self.tag(name)
            self.wait_for_others("read")
            return answer

    def wait_for_others(self, kind):
        self.open[kind] += 1
        self.most[kind] = max(self.most[kind], self.open[kind])
        self.changed.notify_all()
        self.changed.wait_for(lambda: self.most[kind] >= self.together, self.patience_s)
        self.open[kind] -= 1

    def precondition_failed(self, name, headers):
        wanted = headers.get("If-Match")
        if wanted is not None and (name not in self.records or wanted != self.tag(name)):
            return True
        return headers.get("If-None-Match") == "*" and name in self.records

    def put(self, name, value):
        self.records[name] = value
        self.version[name] = self.version.get(name, 0) + 1

    def write(self, method, name, value, headers):
        with self.changed:
            meanwhile, self.meanwhile = self.meanwhile, None
            if meanwhile is not None:
                meanwhile()
            status = 412 if self.precondition_failed(name, headers) else 200
            self.writes.append({"status": status, "value": value, "condition": headers.get("If-Match") or headers.get("If-None-Match")})
            if status == 200:
                self.put(name, value if method == "PUT" else {**self.records.get(name, {}), **value})
            self.wait_for_others("write")
            return status, {"id": name}, self.tag(name)

    def stop(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
