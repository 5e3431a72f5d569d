"""A simple webhook handler, as many write it first: it calls the services one after the other and tries again when one fails.

Nothing here is foolish on purpose: time-outs, a few retries, an error answered with 500 so that the platform sends
again (`swallow`: logged and answered with 200, so that it does not). It keeps no log, sends no key, asks for nothing
before it writes. tests/scenario/known_failures.py shows what that costs."""
import http.client
import http.server
import json
import smtplib
import threading
import urllib.parse


def call(method, url, body=None, timeout_s=10.0):
    """The JSON of the reply; anything but a 2xx in time is an exception."""
    address = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=timeout_s)
    try:
        raw = None if body is None else json.dumps(body).encode()
        connection.request(method, address.path, body=raw, headers={"Content-Type": "application/json"})
        reply = connection.getresponse()
        text = reply.read()
    finally:
        connection.close()
    if not 200 <= reply.status <= 299:
        raise OSError(f"{method} {url}: {reply.status}")
    return json.loads(text) if text else None


def record(url, timeout_s=10.0):
    """A step: creates the gift's record."""
    return lambda event: call("POST", url, event, timeout_s)


def mail(port, timeout_s=10.0):
    """A step: thanks the donor."""
    def send(event):
        with smtplib.SMTP("127.0.0.1", port, timeout=timeout_s) as smtp:
            smtp.sendmail("a@charity.example", [event["donor"]["email"]], "Subject: Hi\r\n\r\nThank you\r\n")
    return send


def merge(url):
    """A step: reads the donor's record, changes what is new, writes the whole record back."""
    def update(event):
        where = f"{url}/{event['donor']['id']}"
        donor = call("GET", where)
        donor.update({name: value for name, value in event["donor"].items() if name != "id"})
        call("PUT", where, donor)
    return update


class BaselineGateway:
    """The handler behind a real socket, so that the same sender talks to it and to the gateway."""

    def __init__(self, *steps, tries=1, pause_s=0.3, swallow=False, background=False):
        self.steps, self.tries, self.pause_s, self.swallow, self.background = steps, tries, pause_s, swallow, background
        self.given_up, self.workers = [], []
        self.over = threading.Event()
        naive = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):  # pylint: disable=invalid-name
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = naive.accept(json.loads(body))
                try:
                    self.send_response(status)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                except OSError:
                    pass  # the sender gave up; what was done is done

            def log_message(self, format, *args):  # pylint: disable=redefined-builtin
                pass

        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 1000
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    def accept(self, event):
        if self.background:
            worker = threading.Thread(target=self.deliver, args=(event,))
            self.workers.append(worker)
            worker.start()
            return 200
        return 200 if self.deliver(event) or self.swallow else 500

    def deliver(self, event):
        try:
            for step in self.steps:
                self.try_until_done(step, event)
            return True
        except Exception as wrong:  # pylint: disable=broad-except
            self.given_up.append((event.get("id"), str(wrong)))
            return False

    def try_until_done(self, step, event):
        for tried in range(1, self.tries + 1):
            try:
                step(event)
                return
            except OSError:
                if tried == self.tries or self.over.wait(self.pause_s):
                    raise

    def stop(self):
        self.over.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
        for worker in self.workers:
            worker.join()


def send(port, event, path="/in/internal", timeout_s=20.0, tries=5):
    """As a platform sends: until a 2xx comes, a few times. Every status; None where it gave up waiting."""
    seen = []
    for _ in range(tries):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
        try:
            connection.request("POST", path, body=json.dumps(event), headers={"Content-Type": "application/json"})
            seen.append(connection.getresponse().status)
        except OSError:
            seen.append(None)
        finally:
            connection.close()
        if seen[-1] is not None and 200 <= seen[-1] <= 299:
            break
    return seen


