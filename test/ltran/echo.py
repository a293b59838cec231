"""A server that sends back what it gets, a client that checks what comes back, and both in one program.

echo.py serve ADDRESS PORT
echo.py exchange ADDRESS PORT BYTES COUNT [SOURCE]
echo.py datagrams ADDRESS PORT BYTES COUNT
echo.py itself ADDRESS PORT BYTES COUNT
"""

import errno
import hashlib
import os
import socket
import sys
import threading


def report(text):
    """In one piece, although threads print at the same time."""
    sys.stdout.write(text + "\n")


def echo(connection):
    with connection:
        while data := connection.recv(1 << 16):
            connection.sendall(data)


def datagram_server(address):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(address)
    return server


def echo_datagrams(server):
    while True:
        data, peer = server.recvfrom(1 << 16)
        server.sendto(data, peer)


def accept(server):
    while True:
        connection, _ = server.accept()
        threading.Thread(target=echo, args=(connection,), daemon=True).start()


def serve(address):
    threading.Thread(target=echo_datagrams, args=(datagram_server(address),), daemon=True).start()
    with socket.create_server(address) as server:
        print("listening", flush=True)
        accept(server)


def exchange(address, size, count, source):
    sent = hashlib.sha256()
    received = hashlib.sha256()
    with socket.create_connection(address, 10, source) as connection:
        connection.settimeout(10)
        for _ in range(count):
            data = os.urandom(size)
            sent.update(data)
            connection.sendall(data)
            left = size
            while left > 0:
                part = connection.recv(left)
                if not part:
                    sys.exit("the connection ended early")
                received.update(part)
                left -= len(part)
    if sent.digest() != received.digest():
        sys.exit("what came back is not what was sent")
    report(f"same {size * count}")


def datagrams(address, size, count):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.connect(address)
        for _ in range(count):
            data = os.urandom(size)
            client.send(data)
            if client.recv(1 << 16) != data:
                sys.exit("what came back is not what was sent")
    report(f"same {size * count}")


def refusal(kind, address):
    with socket.socket(socket.AF_INET, kind) as client:
        client.settimeout(10)
        try:
            client.connect(address)
            client.send(b"?")
            client.recv(1)
        except OSError as error:
            return errno.errorcode.get(error.errno, str(error))
    return "an answer"


def itself(address, size, count):
    for target, server in ((accept, socket.create_server(address)), (echo_datagrams, datagram_server(address))):
        threading.Thread(target=target, args=(server,), daemon=True).start()
    calls = [(exchange, (address, size, count, None)) for _ in range(4)]
    calls += [(datagrams, (address, length, count)) for length in (100, 5000)]
    threads = [threading.Thread(target=call, args=arguments) for call, arguments in calls]
    for thread in threads:
        thread.start()
    exchange(address, size, count, (address[0], 0))
    for thread in threads:
        thread.join()
    closed = (address[0], address[1] + 1)
    report(" ".join(refusal(kind, closed) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)))


def main(arguments):
    what, host, port, *numbers = arguments
    address = (host, int(port))
    if what == "serve":
        serve(address)
    elif what == "exchange":
        source = (numbers[2], 0) if len(numbers) > 2 else None
        exchange(address, int(numbers[0]), int(numbers[1]), source)
    elif what == "itself":
        itself(address, int(numbers[0]), int(numbers[1]))
    else:
        datagrams(address, int(numbers[0]), int(numbers[1]))


main(sys.argv[1:])
