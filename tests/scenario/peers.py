"""Receivers that misbehave below HTTP and SMTP, where almoner-sink cannot: one listener each, one thread a connection.

`Peer(script)` calls script(client) for each connection; the script is what the peer does. Ready scripts are below."""
import pathlib
import socket
import ssl
import struct
import subprocess
import threading

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
RESET = struct.pack("ii", 1, 0)
FILLER = b"250-and another line that is not the last one of this reply\r\n" * 500


class ClientConnection:
    """One connection, as the peer sees it. Calls that find it gone raise OSError, which ends the script."""

    def __init__(self, peer, connection):
        self.peer, self.socket, self.rest = peer, connection, b""

    def read_more(self):
        chunk = self.socket.recv(65536)
        if not chunk:
            raise ConnectionError("closed")
        self.rest += chunk

    def line(self):
        while b"\r\n" not in self.rest:
            self.read_more()
        line, self.rest = self.rest.split(b"\r\n", 1)
        return line

    def request(self):
        """Reads one whole HTTP request and counts it."""
        length = 0
        while line := self.line():
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        while len(self.rest) < length:
            self.read_more()
        self.rest = self.rest[length:]
        self.peer.count("requests")

    def send(self, data):
        self.socket.sendall(data)

    def forever(self, data, every=None):
        """Sends the same again and again, at once or with a pause in seconds between."""
        while not self.peer.over.wait(every or 0):
            self.socket.sendall(data)

    def hang(self):
        """Sends nothing more and reads nothing more."""
        self.peer.over.wait()

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.socket.close()


class Peer:
    def __init__(self, script, tls=None, count_backlog=64):
        self.script, self.tls, self.over = script, tls, threading.Event()
        self.lock, self.counts = threading.Lock(), {}
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=count_backlog)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def count(self, what):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1

    def request_count(self, what):
        with self.lock:
            return self.counts.get(what, 0)

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.count("connections")
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            self.script(ClientConnection(self, connection))
        except (OSError, ValueError):
            pass  # the other side went, or was never one of ours: that is what these peers provoke
        finally:
            connection.close()

    def url(self, scheme="http", host="127.0.0.1"):
        return f"{scheme}://{host}:{self.port}/"

    def stop(self):
        self.over.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


# ---- over HTTP: what comes after a whole request

def answers(*parts, then="close"):
    """Reads a request, sends the parts, and then does what `then` names: close, reset, hang, or again (the connection is kept)."""
    def script(client):
        while True:
            client.request()
            for part in parts:
                client.send(part)
            if then != "again":
                break
        getattr(client, then, lambda: None)()
    return script


def drips(data, every):
    def script(client):
        client.request()
        for i in range(len(data)):
            client.send(data[i:i + 1])
            if client.peer.over.wait(every):
                return
    return script


def floods(head, data):
    def script(client):
        client.request()
        client.send(head)
        client.forever(data)
    return script


def resets_in_request(count):
    """Reads `count` bytes of the request, then resets the connection."""
    def script(client):
        while len(client.rest) < count:
            client.rest += client.socket.recv(count - len(client.rest))
        client.reset()
    return script


def never_reads(client):
    client.hang()


class UnacceptingPeer:
    """A port on which a connection is never accepted: the queue of the listener is full."""

    def __init__(self):
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(0)
        self.port = self.listener.getsockname()[1]
        self.fillers = [socket.socket() for _ in range(8)]
        for filler in self.fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.port))

    def request_count(self, _what):
        return 0

    def url(self):
        return f"http://127.0.0.1:{self.port}/"

    def stop(self):
        for one in (*self.fillers, self.listener):
            one.close()


class ClosingPeer(UnacceptingPeer):
    """A port that refuses connections: it is bound without a listener, so that no other program gets it."""

    def __init__(self):
        self.fillers, self.listener = [], socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]


# ---- TLS

class Authority:
    """Certificates made on the spot by an authority of our own, whose certificate is at `path`."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        self.path = self.folder / "ca.pem"
        self.openssl("req", "-x509", "-subj", "/CN=almoner test authority", "-days", "2", "-keyout", "ca.key", "-out", "ca.pem",
                     *self.new_key(), "-addext", "basicConstraints=critical,CA:TRUE")

    @staticmethod
    def new_key():
        return "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"

    def openssl(self, *words):
        subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True)

    def server(self, name, address="127.0.0.1", signed=True, days=1):
        """A server's context with a certificate for the address; days before 0: it has expired."""
        extension = f"subjectAltName=IP:{address}"
        if signed:
            (self.folder / "index.txt").touch()
            (self.folder / "ca.cnf").write_text(f"[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nnew_certs_dir=.\nrand_serial=yes\ndefault_md=sha256\n"
                                                f"policy=p\nunique_subject=no\nx509_extensions=x\n[p]\ncommonName=supplied\n[x]\n{extension}\n")
            self.openssl("req", "-new", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr", *self.new_key())
            span = ("-startdate", "20200101000000Z", "-enddate", "20200201000000Z") if days < 0 else ("-days", str(days))
            self.openssl("ca", "-batch", "-config", "ca.cnf", "-cert", "ca.pem", "-keyfile", "ca.key", "-in", f"{name}.csr", "-out", f"{name}.pem",
                         "-notext", *span)
        else:
            self.openssl("req", "-x509", "-subj", f"/CN={name}", "-days", "1", "-keyout", f"{name}.key", "-out", f"{name}.pem", *self.new_key(),
                         "-addext", extension)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        return context


# ---- SMTP

STAGES = ("greeting", "ehlo", "mail", "rcpt", "data", "dot", "quit")
NORMAL = {"greeting": "220 peer ESMTP", "ehlo": "250 peer", "mail": "250 ok", "rcpt": "250 ok", "data": "354 go ahead", "dot": "250 queued",
          "quit": "221 bye"}


def smtp(stage, how):
    """A mail server that is well but for one stage, where it sends the line `how`, or does: silence close reset garbage endless
    endless_line."""
    def reply(client, at):
        if at != stage:
            client.send(NORMAL[at].encode() + b"\r\n")
        elif how == "silence":
            client.hang()
        elif how == "garbage":
            client.send(b"\x00\xffwhat is this\r\n")
            client.hang()
        elif how == "endless":
            client.forever(FILLER)
        elif how == "endless_line":
            client.forever(bytes(65536))
        elif how in ("close", "reset"):
            getattr(client, how, client.socket.close)()
        else:
            client.send(how.encode() + b"\r\n")

    def script(client):
        reply(client, "greeting")
        while True:
            verb = client.line()[:4].decode().lower()
            reply(client, {"helo": "ehlo"}.get(verb, verb))
            if verb == "data" and stage != "data":
                while client.line() != b".":
                    pass
                client.peer.count("messages")
                reply(client, "dot")
            if verb == "quit":
                return
    return script
