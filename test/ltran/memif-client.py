"""A client that speaks memif version 2 by hand: MODE SOCKET ID, and what became of it on standard output."""
import array, fcntl, mmap, os, select, socket, struct, sys

HELLO, INIT, REGION, RING, CONNECT, CONNECTED, DISCONNECT = 2, 3, 4, 5, 6, 7, 8
LOG2 = 6
SLOTS = 1 << LOG2
RING_SIZE = 128 + 16 * SLOTS
BUFFER = 2048
COOKIE = 0x3E31F20
mode, path, number = sys.argv[1], sys.argv[2], int(sys.argv[3])


def message(kind, body=b"", fds=()):
    data = (struct.pack("<H", kind) + body).ljust(128, b"\0")
    if mode == "short" and kind == INIT:
        data = data[:64]
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
    control.sendmsg([data], rights)


def answer():
    data = control.recv(128)
    kind = struct.unpack_from("<H", data)[0] if data else 0
    if kind in (0, DISCONNECT):
        print("refused", data[6:].split(b"\0")[0].decode(), flush=True)
        sys.exit(0)
    return kind


def ask(kind, body=b"", fds=()):
    message(kind, body, fds)
    return answer()


control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
control.settimeout(5)
control.connect(path)
assert answer() == HELLO
if mode == "silent":
    answer()
size = 2 * RING_SIZE + 2 * SLOTS * BUFFER
memory = os.memfd_create("memif", os.MFD_ALLOW_SEALING)
os.ftruncate(memory, size)
region = mmap.mmap(memory, size)
for ring in range(2):
    struct.pack_into("<IHH", region, ring * RING_SIZE, COOKIE, 0, 0)
    for slot in range(SLOTS):
        at = ring * RING_SIZE + 128 + 16 * slot
        offset = 2 * RING_SIZE + (ring * SLOTS + slot) * BUFFER
        struct.pack_into("<HHIII", region, at, 0, 0, BUFFER, offset, 0)
if mode == "cookie":
    struct.pack_into("<I", region, 0, 1)
if mode == "sealed":
    fcntl.fcntl(memory, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SEAL)
version = 0x0100 if mode == "version" else 0x0200
if mode == "early":
    ask(REGION, struct.pack("<HQ", 0, size), [memory])
ask(INIT, struct.pack("<HIB24s32s", version, number, 1 if mode == "ip" else 0, b"", b"by hand"))
claimed = {"huge": 1 << 40, "larger": size + 4096}.get(mode, size)
index = 1 if mode == "second" else 0
ask(REGION, struct.pack("<HQ", index, claimed), [] if mode == "nothing" else [memory])
wakes = [os.eventfd(0, os.EFD_NONBLOCK), os.eventfd(0, os.EFD_NONBLOCK)]
if mode == "file":
    wakes[0] = os.open("/dev/null", os.O_RDONLY)
log2 = {"slots": 15, "shift": 255}.get(mode, LOG2)
outside = 1 << 31 if mode == "outside" else 0
ask(RING, struct.pack("<HHHIBH", 1, 0, 0, outside, log2, 0), [wakes[0]])
if mode != "one":
    other = LOG2 - 1 if mode == "uneven" else LOG2
    header = 8 if mode == "header" else 0
    ask(RING, struct.pack("<HHHIBH", 0, 0, 0, RING_SIZE, other, header), [wakes[1]])
assert ask(CONNECT, b"") == CONNECTED
print("connected", flush=True)
# Post every buffer, and ask for kicks by leaving the flags at zero.
struct.pack_into("<H", region, RING_SIZE + 6, SLOTS)
if mode == "jammed":
    os.set_blocking(wakes[1], True)
    os.write(wakes[1], struct.pack("<Q", 2**64 - 2))
if mode == "kick":
    ready = select.select([wakes[1]], [], [], 10)[0]
    tail = struct.unpack_from("<H", region, RING_SIZE + 64)[0]
    print("kicked" if ready and tail > 0 else f"not kicked, tail {tail}", flush=True)
control.settimeout(None)
control.recv(128)
