"""Plays a program with a control socket: FOLDER ANSWER, where ANSWER "drip" is a byte a second and no end."""
import os
import socket
import sys
import threading
import time

FOLDER, ANSWER = sys.argv[1], sys.argv[2]


def serve(connection):
    with connection:
        while ANSWER == "drip":
            connection.send(b"x")
            time.sleep(1)
        connection.recv(64)
        head, _, zeros = ANSWER.partition(" +")
        connection.sendall(head.encode() + b"\n" + bytes(int(zeros or 0)))
        connection.recv(64)


os.makedirs(FOLDER, mode=0o700, exist_ok=True)
made = socket.socket(socket.AF_UNIX)
made.bind(f"{FOLDER}/{os.getpid()}.sock")
made.listen(8)
print("ready", flush=True)
while True:
    threading.Thread(target=serve, args=(made.accept()[0],), daemon=True).start()
