"""A proxy in front of an S3 server that does to requests what networks and busy servers do. Which request
meets which fault is drawn by a seed; what it did is counted."""

import http.client
import random
import socket
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

STALL_SECONDS = 3
ERROR = "<?xml version='1.0'?><Error><Code>{}</Code><Message>by the fault proxy</Message></Error>"

# What may happen before the server is asked, and after it has answered (so that a lost answer has had its
# effect).
BEFORE = {"slow_down": (503, "SlowDown"), "internal": (500, "InternalError"),
          "expired": (400, "ExpiredToken"), "reset": None, "stall": None}
AFTER = {"lost_answer": None, "half_body": None, "error_in_200": None, "internal_after": None}
CORRUPT = "corrupt"  # a byte of an object on its way to the client


class FaultProxy:
    def __init__(self, endpoint, seed, rate, kinds=(*BEFORE, *AFTER)):
        """rate: of requests that meet a fault; kinds: which"""
        self.upstream = urlsplit(endpoint)
        self.random, self.rate, self.kinds = random.Random(seed), rate, tuple(kinds)
        self.lock, self.counts, self.requests = threading.Lock(), {}, 0
        self.expired = set()  # requests that were answered so: once more of one call is final
        self.lost_uploads = 0  # that were begun, and the client was not told
        self.held = lambda command, path: False  # requests that get no answer until they are let go
        self.holding, self.let_go = threading.Event(), threading.Event()  # one is held
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                proxy.serve(self)
            do_PUT = do_POST = do_DELETE = do_HEAD = do_GET

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_):  # clients that go away
                pass

        self.create_server, self.away = lambda port: Server(("127.0.0.1", port), Handler), True
        self.listen()
        self.url = f"http://127.0.0.1:{self.port}"

    def listen(self, port=0):
        self.server, self.away = self.create_server(port), False
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def release(self):
        """Ends, unanswered, the requests that are held; no more are."""
        self.held = lambda command, path: False
        self.let_go.set()

    def go_away(self):
        """The port refuses connections, until `listen(self.port)`."""
        self.away = True
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def close(self):
        self.release()
        if not self.away:
            self.go_away()

    def draw(self, request):
        with self.lock:
            self.requests += 1
            fault = self.random.choice(self.kinds) if self.random.random() < self.rate else None
            if fault == "expired" and request in self.expired:
                return "slow_down"
            if fault == "expired":
                self.expired.add(request)
            return fault

    def count(self, fault):
        with self.lock:
            self.counts[fault] = self.counts.get(fault, 0) + 1

    @staticmethod
    def reset(client):
        client.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.connection.close()
        client.close_connection = True

    @staticmethod
    def answer(client, status, headers, body, declared=None):
        client.send_response_only(status)
        for name, value in headers:
            client.send_header(name, value)
        client.send_header("Content-Length", str(len(body) if declared is None else declared))
        client.end_headers()
        if client.command != "HEAD":
            client.wfile.write(body)

    def refuse(self, client, status, code):
        self.answer(client, status, [("Content-Type", "application/xml")], ERROR.format(code).encode())

    def ask(self, client, body):
        upstream = http.client.HTTPConnection(self.upstream.hostname, self.upstream.port, timeout=60)
        upstream.putrequest(client.command, client.path, skip_host=True, skip_accept_encoding=True)
        for name, value in client.headers.items():
            if name.lower() not in ("connection", "expect"):
                upstream.putheader(name, value)
        upstream.endheaders(body)
        response = upstream.getresponse()
        content = response.read()
        kept = [(name, value) for name, value in response.getheaders()
                if name.lower() not in ("content-length", "transfer-encoding", "connection")]
        length = response.getheader("Content-Length")
        upstream.close()
        return response.status, kept, content, length

    def serve(self, client):
        body = client.rfile.read(int(client.headers.get("Content-Length") or 0))
        if self.held(client.command, client.path):
            self.holding.set()
            self.let_go.wait()
            return self.reset(client)
        if self.away:  # a connection from before
            return self.reset(client)
        fault = self.draw((client.command, client.path, client.headers.get("Range")))
        if fault in BEFORE:
            self.count(fault)
            if fault == "stall":
                time.sleep(STALL_SECONDS)
            if BEFORE[fault] is None:
                return self.reset(client)
            return self.refuse(client, *BEFORE[fault])
        status, headers, content, length = self.ask(client, body)
        if client.command == "HEAD":
            return self.answer(client, status, headers, b"", declared=length or 0)
        if fault in AFTER and client.command == "POST" and client.path.endswith("uploads="):
            self.lost_uploads += 1
        if fault == "lost_answer":
            self.count(fault)
            return self.reset(client)
        if fault == "internal_after":
            self.count(fault)
            return self.refuse(client, 500, "InternalError")
        if fault == "half_body" and len(content) > 1:
            self.count(fault)
            self.answer(client, status, headers, content[:len(content) // 2], declared=len(content))
            client.wfile.flush()
            return self.reset(client)
        completes = client.command == "POST" and "uploadId=" in client.path
        if fault == "error_in_200" and completes and status == 200:
            self.count(fault)
            return self.refuse(client, 200, "InternalError")
        if fault == CORRUPT and client.command == "GET" and status in (200, 206) and \
                "?" not in client.path and content:
            self.count(fault)
            content = content[:-1] + bytes([content[-1] ^ 1])
        return self.answer(client, status, headers, content)
