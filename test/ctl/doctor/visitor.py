"""A peer of patient.py, on the kernel's stack: HABIT ADDRESS PORT [COUNT]."""
import socket
import struct
import sys
import time

HABIT, ADDRESS, PORT = sys.argv[1], sys.argv[2], int(sys.argv[3])
COUNT = int(sys.argv[4]) if len(sys.argv) > 4 else 1


def echo():
    """Connections that are answered, one after the other."""
    for number in range(COUNT):
        with socket.create_connection((ADDRESS, PORT), timeout=10) as connection:
            data = bytes([number % 256]) * 50_000
            connection.sendall(data)
            answer = b""
            while len(answer) < len(data):
                answer += connection.recv(65536)
            assert answer == data


def pour():
    """Reads everything that the server sends."""
    for _ in range(COUNT):
        with socket.create_connection((ADDRESS, PORT + 3), timeout=20) as connection:
            while connection.recv(65536):
                pass


def begin(port):
    connection = socket.socket()
    connection.setblocking(False)
    connection.connect_ex((ADDRESS, port))
    return connection


def crowd():
    """More connections than a listen queue holds, which nobody accepts."""
    connections = [begin(PORT + 2) for _ in range(COUNT)]
    time.sleep(1.5)
    print("ready", flush=True)
    time.sleep(60)
    del connections


def flood():
    """Connections whose server never reads, filled until nothing moves any more."""
    connections = [begin(PORT + 1) for _ in range(COUNT)]
    last = time.monotonic()
    while time.monotonic() - last < 1.0:
        for connection in connections:
            try:
                if connection.send(bytes(262_144)) > 0:
                    last = time.monotonic()
            except (BlockingIOError, ConnectionError):
                pass
        time.sleep(0.01)
    print("ready", flush=True)
    time.sleep(60)


def hoard():
    """Asks for more than it reads."""
    connections = [begin(PORT + 3) for _ in range(COUNT)]
    time.sleep(2.5)
    print("ready", flush=True)
    time.sleep(60)
    del connections


def garble():
    """Segments with wrong checksums, as of a device that leaves them to somebody else."""
    device, server, client = sys.argv[5], bytes.fromhex(sys.argv[6]), bytes.fromhex(sys.argv[7])
    source = socket.inet_aton(sys.argv[8])
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    raw.bind((device, 0))
    for number in range(COUNT):
        tcp = struct.pack("!HHIIBBHHH", 40_000 + number, PORT, number, 0, 0x50, 2, 1_000, 0x1234 + number, 0)
        head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, number, 0, 64, 6, 0, source, socket.inet_aton(ADDRESS))
        total = sum(struct.unpack("!10H", head))
        total = (total & 0xFFFF) + (total >> 16)
        total = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
        head = head[:10] + struct.pack("!H", total) + head[12:]
        raw.send(server + client + b"\x08\x00" + head + tcp)


globals()[HABIT]()
print("done", flush=True)
