"""The peer of stacks.py, on the kernel's stack; prints what it found as JSON."""
import json
import socket
import sys
import threading

PEER, PORT, CONNECTIONS = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
EPOLL, ACCEPT, POLL, UDP_MAIN, UDP_THREAD, CONTROL, OWN_ECHO = range(PORT, PORT + 7)


def echoed(port, count):
    """All connections are open at the same time; each carries text of its own."""
    made = [socket.create_connection((PEER, port), timeout=20) for _ in range(count)]
    right = 0
    for round in range(2 if port != ACCEPT else 1):
        for number, connection in enumerate(made):
            connection.sendall(b"%d of %d" % (number, round))
        right = sum(made[i].recv(4096) == b"%d of %d" % (i, round) for i in range(count))
    for connection in made:
        connection.close()
    return right


def datagrams(port, count):
    right = 0
    for number in range(count):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
            made.settimeout(20)
            made.connect((PEER, port))
            text = b"datagram %d" % number
            made.send(text)
            right += made.recv(4096) == text
    return right


def long_datagram(port):
    """It arrives in fragments."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.settimeout(20)
        made.connect((PEER, port))
        made.send(b"x" * 4000)
        return len(made.recv(8192))


def echo_calls(listening):
    while True:
        connection, _ = listening.accept()
        with connection:
            connection.sendall(connection.recv(4096))


def ask(text):
    with socket.create_connection((PEER, CONTROL), timeout=20) as made:
        made.sendall(text)
        return made.recv(4096).decode()


def refused(port, count):
    found = 0
    for _ in range(count):
        try:
            socket.create_connection((PEER, port), timeout=20)
        except ConnectionRefusedError:
            found += 1
    return found


def unreachable(port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.settimeout(20)
        made.connect((PEER, port))
        made.send(b"nobody")
        try:
            made.recv(1)
        except ConnectionRefusedError:
            return True
    return False


listening = socket.socket()
listening.bind(("", OWN_ECHO))
listening.listen(64)
threading.Thread(target=echo_calls, args=(listening,), daemon=True).start()
print(json.dumps({
    "epoll": echoed(EPOLL, CONNECTIONS),
    "accept": echoed(ACCEPT, 20),
    "poll": echoed(POLL, 20),
    "udpMain": datagrams(UDP_MAIN, 30),
    "udpThread": datagrams(UDP_THREAD, 30),
    "fragments": long_datagram(UDP_THREAD),
    "calls": ask(b"call"),
    "bind": ask(b"bind"),
    "refused": refused(PORT + 20, 20),
    "unreachable": unreachable(PORT + 20),
}), flush=True)
