"""A server of the kernel's stack that sends back what it gets, and a client that checks what comes back.

echo.py serve ADDRESS PORT
echo.py exchange ADDRESS PORT BYTES COUNT [SOURCE]
echo.py datagrams ADDRESS PORT BYTES COUNT
"""

import hashlib
import os
import socket
import sys
import threading


def echo(connection):
    with connection:
        while data := connection.recv(1 << 16):
            connection.sendall(data)


def echo_datagrams(address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(address)
        while True:
            data, peer = server.recvfrom(1 << 16)
            server.sendto(data, peer)


def serve(address):
    threading.Thread(target=echo_datagrams, args=(address,), daemon=True).start()
    with socket.create_server(address) as server:
        print("listening", flush=True)
        while True:
            connection, _ = server.accept()
            threading.Thread(target=echo, args=(connection,), daemon=True).start()


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
    print("same", size * count)


def datagrams(address, size, count):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.connect(address)
        for _ in range(count):
            data = os.urandom(size)
            client.send(data)
            if client.recv(1 << 16) != data:
                sys.exit("what came back is not what was sent")
    print("same", size * count)


def main(arguments):
    what, host, port, *numbers = arguments
    address = (host, int(port))
    if what == "serve":
        serve(address)
    elif what == "exchange":
        source = (numbers[2], 0) if len(numbers) > 2 else None
        exchange(address, int(numbers[0]), int(numbers[1]), source)
    else:
        datagrams(address, int(numbers[0]), int(numbers[1]))


main(sys.argv[1:])
