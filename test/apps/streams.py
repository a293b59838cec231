"""
Large content that nobody has to store: streams that both ends can make, each other than all others.

    streams.py serve ADDRESS PORT BYTES        a web server: GET /N answers stream N, PUT /N takes and checks it
    streams.py fetch FOLDER COUNT BYTES        makes pipes FOLDER/0 ...; checks what is written into them
    streams.py upload FOLDER COUNT BYTES       likewise; writes the streams into them

A block of a stream is a piece of random bytes, from a place of its own: blocks that are lost, repeated, mixed
up or of another stream differ. Each end makes a SHA-256 of what it sent or got, and of what it should be.
"""
import hashlib
import http.server
import os
import random
import sys
import threading

BLOCK = 1 << 18
MATERIAL = random.Random(2024).randbytes(3 << 20)
PLACES = len(MATERIAL) - BLOCK


def blocks(stream, size):
    for index in range((size + BLOCK - 1) // BLOCK):
        at = (stream * 50_021 + index * 7_919) % PLACES
        yield MATERIAL[at : at + min(BLOCK, size - index * BLOCK)]


def matches(read, stream, size):
    """Whether exactly the stream can be read: each block by its checksum, then the end."""
    for expected in blocks(stream, size):
        got = bytearray()
        while len(got) < len(expected):
            part = read(len(expected) - len(got))
            if not part:
                return False
            got += part
        if hashlib.sha256(got).digest() != hashlib.sha256(expected).digest():
            return False
    return not read(1)


class Chunks:
    """The body of a request with Transfer-Encoding: chunked."""

    def __init__(self, file):
        self.file = file
        self.left = 0
        self.has_ended = False

    def read(self, most):
        if self.left == 0 and not self.has_ended:
            self.left = int(self.file.readline(), 16)
            self.has_ended = self.left == 0
            if self.has_ended:
                self.file.readline()
        part = self.file.read(min(most, self.left))
        self.left -= len(part)
        if self.left == 0 and not self.has_ended:
            self.file.readline()
        return part


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    rbufsize = BLOCK

    def answer(self, status, length):
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def do_GET(self):
        self.answer(200, self.server.size)
        for block in blocks(int(self.path[1:]), self.server.size):
            self.wfile.write(block)

    def do_PUT(self):
        if self.headers.get("Expect"):
            self.send_response_only(100)
            self.end_headers()
        is_right = matches(Chunks(self.rfile).read, int(self.path[1:]), self.server.size)
        self.close_connection = not is_right
        self.answer(201 if is_right else 409, 0)

    def handle_expect_100(self):
        return True

    def log_message(self, *arguments):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128


def serve(address, port, size):
    server = Server((address, port), Handler)
    server.size = size
    server.serve_forever()


def end(fetches, folder, count, size):
    wrong = []

    def fetch(stream):
        with open(os.path.join(folder, str(stream)), "rb", buffering=0) as pipe:
            if not matches(pipe.read, stream, size):
                wrong.append(stream)

    def upload(stream):
        with open(os.path.join(folder, str(stream)), "wb", buffering=0) as pipe:
            for block in blocks(stream, size):
                while block:
                    block = block[pipe.write(block) :]

    for stream in range(count):
        os.mkfifo(os.path.join(folder, str(stream)))
    threads = [threading.Thread(target=fetch if fetches else upload, args=(stream,)) for stream in range(count)]
    for thread in threads:
        thread.start()
    print("ready", flush=True)
    for thread in threads:
        thread.join()
    for stream in range(count):
        os.unlink(os.path.join(folder, str(stream)))
    print("wrong: " + " ".join(map(str, sorted(wrong))) if wrong else "all right", flush=True)


if sys.argv[1] == "serve":
    serve(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
else:
    end(sys.argv[1] == "fetch", sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
