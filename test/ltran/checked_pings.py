"""Checked requests to a Redis over several connections at once, until SIGTERM.

python3 checked_pings.py HOST PORT CONNECTIONS

Each connection sends ECHO with a payload of its own and number, and checks the answer. At the end a line of JSON: how
many answers there were, and the longest time in milliseconds between two answers of one connection.
"""
import json
import select
import signal
import socket
import sys
import time

host, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
ending = []


class Connection:
    def __init__(self, number):
        self.number, self.turn, self.longest = number, 0, 0.0
        self.socket = socket.create_connection((host, port), 5)
        self.answered = time.monotonic()
        self.send()

    def send(self):
        self.turn += 1
        payload = f"{self.number}-{self.turn}-".encode() * 50
        length = f"${len(payload)}\r\n".encode()
        self.expected, self.received = length + payload + b"\r\n", b""
        self.socket.sendall(b"*2\r\n$4\r\nECHO\r\n" + self.expected)

    def take(self):
        data = self.socket.recv(65536)
        if not data:
            raise SystemExit(f"connection {self.number} ended")
        self.received += data
        if len(self.received) < len(self.expected):
            return
        if self.received != self.expected:
            raise SystemExit(f"connection {self.number}: a wrong answer")
        now = time.monotonic()
        self.longest, self.answered = max(self.longest, now - self.answered), now
        self.send()


signal.signal(signal.SIGTERM, lambda *_: ending.append(True))
connections = {c.socket: c for c in map(Connection, range(count))}
print("ready", flush=True)
while not ending:
    readable, _, _ = select.select(list(connections), [], [], 0.1)
    for ready in readable:
        connections[ready].take()
now = time.monotonic()
report = {
    "answers": sum(c.turn - 1 for c in connections.values()),
    "leastAnswers": min(c.turn - 1 for c in connections.values()),
    "longestMs": round(1000 * max(max(c.longest, now - c.answered) for c in connections.values())),
}
print(json.dumps(report), flush=True)
