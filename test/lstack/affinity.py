"""An accelerated program of several threads that tells on which CPUs they may run, and where its memory lies."""
import json
import os
import socket
import sys
import threading

OWN = sys.argv[1]
found, ended = {}, threading.Event()


def note(name):
    found[name] = sorted(os.sched_getaffinity(0))


def use_network():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind((OWN, 0))
        made.settimeout(0.01)
        try:
            made.recv(100)
        except TimeoutError:
            pass


def start(name, act, stay=True):
    """A thread that has done its part when this returns, in whose name its affinity is noted."""
    done = threading.Event()

    def run():
        act()
        note(name)
        done.set()
        if stay:
            ended.wait()

    made = threading.Thread(target=run)
    made.start()
    done.wait()
    return made


def pin_and_use():
    os.sched_setaffinity(0, {0})
    use_network()


def use_and_multiply():
    use_network()
    start("bystander", lambda: None, stay=False)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, json.dumps(sorted(os.sched_getaffinity(0))).encode())
        os._exit(0)
    found["child"] = json.loads(os.read(reader, 1000))
    os.waitpid(child, 0)


def change_mind():
    use_network()
    note("before its own choice")
    os.sched_setaffinity(0, {0, 1})
    use_network()


use_network()
note("main")
# At home in stack 1, 0, 1, 0, 1, 0 where there are two.
start("pinned by itself", pin_and_use)
leaving = start("first of stack 0", use_and_multiply, stay=False)
start("after its own choice", change_mind)
leaving.join()
start("heir", use_network)
start("second of stack 1", use_network)
start("second of stack 0", use_network)
with open("/proc/self/numa_maps") as file:
    found["memory"] = [line.split()[1] for line in file if "memfd:gazelle" in line]
ended.set()
print(json.dumps(found))
