"""A server with several habits, one for each port from PORT on; its peers are in visitor.py."""
import socket
import sys
import threading

ADDRESS, PORT = sys.argv[1], int(sys.argv[2])
kept = []


def listener(offset, backlog):
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((ADDRESS, PORT + offset))
    made.listen(backlog)
    return made


def echo(connection):
    with connection:
        while data := connection.recv(65536):
            connection.sendall(data)


def pour(connection):
    with connection:
        for _ in range(128):
            connection.sendall(bytes(65536))


def serve(made, habit):
    while True:
        connection, _ = made.accept()
        threading.Thread(target=habit, args=(connection,), daemon=True).start()


ECHO, DEAF, FULL, POUR = listener(0, 64), listener(1, 64), listener(2, 1), listener(3, 64)
threading.Thread(target=serve, args=(ECHO, echo), daemon=True).start()
# What is kept and never read from.
threading.Thread(target=serve, args=(DEAF, kept.append), daemon=True).start()
print("ready", flush=True)
# FULL accepts nobody.
serve(POUR, pour)
