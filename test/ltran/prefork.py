"""A server that makes its sockets, then forks children that wait for them in blocking calls: workers.test.ts."""
import os
import signal
import socket
import sys
import threading

OWN, PORT, CHILDREN = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])


def answer_datagrams(made):
    while True:
        _, sender = made.recvfrom(100)
        made.sendto(b"%d" % os.getpid(), sender)


def serve(listener, datagrams):
    threading.Thread(target=answer_datagrams, args=(datagrams,), daemon=True).start()
    while True:
        connection = listener.accept()[0]
        with connection:
            if connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE):
                connection.sendall(b"%d" % os.getpid())


def main():
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    listener.bind((OWN, PORT))
    listener.listen(64)
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind((OWN, PORT))
    children = []
    for _ in range(CHILDREN):
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            serve(listener, datagrams)
        children.append(child)

    def end(*_):
        for child in children:
            os.kill(child, signal.SIGTERM)
        sys.exit(0)

    signal.signal(signal.SIGTERM, end)
    while True:
        signal.pause()


main()
