"""Receivers that misbehave below HTTP and SMTP, where almoner-sink cannot: one listener each, one thread a connection.

`Peer(play)` calls play(talk) for each connection; what play does is what the peer does. A name below is a ready one."""
import pathlib
import socket
import ssl
import struct
import subprocess
import threading

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
RESET = struct.pack("ii", 1, 0)
FILLER = b"250-and another line that is not the last one of this reply\r\n" * 500


class Talk:
    """One connection, as the peer sees it. Calls that find it gone raise OSError, which ends the play."""

    def __init__(self, peer, connection):
        self.peer, self.socket, self.rest = peer, connection, b""

    def more(self):
        chunk = self.socket.recv(65536)
        if not chunk:
            raise ConnectionError("closed")
        self.rest += chunk

    def line(self):
        while b"\r\n" not in self.rest:
            self.more()
        line, self.rest = self.rest.split(b"\r\n", 1)
        return line

    def request(self):
        """Reads one whole HTTP request and counts it."""
        length = 0
        while line := self.line():
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        while len(self.rest) < length:
            self.more()
        self.rest = self.rest[length:]
        self.peer.count("requests")

    def send(self, data):
        self.socket.sendall(data)

    def for_ever(self, data, every=None):
        """Sends the same again and again, at once or with a pause in seconds between."""
        while not self.peer.over.wait(every or 0):
            self.socket.sendall(data)

    def hang(self):
        """Says nothing more and reads nothing more."""
        self.peer.over.wait()

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.socket.close()


class Peer:
    def __init__(self, play, tls=None, count_backlog=64):
        self.play, self.tls, self.over = play, tls, threading.Event()
        self.lock, self.counts = threading.Lock(), {}
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=count_backlog)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def count(self, what):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1

    def counted(self, what):
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
            self.play(Talk(self, connection))
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
    """Reads requests, sends the parts to each, and ends as told: close, reset, hang, or again (kept alive)."""
    def play(talk):
        while True:
            talk.request()
            for part in parts:
                talk.send(part)
            if then != "again":
                break
        getattr(talk, then, lambda: None)()
    return play


def drips(data, every):
    def play(talk):
        talk.request()
        for i in range(len(data)):
            talk.send(data[i:i + 1])
            if talk.peer.over.wait(every):
                return
    return play


def floods(head, data):
    def play(talk):
        talk.request()
        talk.send(head)
        talk.for_ever(data)
    return play


def resets_in_request(count):
    """Reads so many bytes of the request, then resets."""
    def play(talk):
        while len(talk.rest) < count:
            talk.rest += talk.socket.recv(count - len(talk.rest))
        talk.reset()
    return play


def never_reads(talk):
    talk.hang()


class Unanswering:
    """A port on which a connection is never answered: its queue is full and nobody takes from it."""

    def __init__(self):
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(0)
        self.port = self.listener.getsockname()[1]
        self.fillers = [socket.socket() for _ in range(8)]
        for filler in self.fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.port))

    def counted(self, _what):
        return 0

    def url(self):
        return f"http://127.0.0.1:{self.port}/"

    def stop(self):
        for one in (*self.fillers, self.listener):
            one.close()


class Refusing(Unanswering):
    """A port on which nobody listens: taken, so that nobody else gets it."""

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
    def reply(talk, at):
        if at != stage:
            talk.send(NORMAL[at].encode() + b"\r\n")
        elif how == "silence":
            talk.hang()
        elif how == "garbage":
            talk.send(b"\x00\xffwhat is this\r\n")
            talk.hang()
        elif how == "endless":
            talk.for_ever(FILLER)
        elif how == "endless_line":
            talk.for_ever(bytes(65536))
        elif how in ("close", "reset"):
            getattr(talk, how, talk.socket.close)()
        else:
            talk.send(how.encode() + b"\r\n")

    def play(talk):
        reply(talk, "greeting")
        while True:
            verb = talk.line()[:4].decode().lower()
            reply(talk, {"helo": "ehlo"}.get(verb, verb))
            if verb == "data" and stage != "data":
                while talk.line() != b".":
                    pass
                talk.peer.count("messages")
                reply(talk, "dot")
            if verb == "quit":
                return
    return play
