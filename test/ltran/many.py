# Many connections at once, to Redis or memcached: on each a value of its own goes there and back. Arguments:
# redis or memcached, the port, the bytes of a value, then an address for each connection. Prints how many
# values came back unchanged.
import hashlib, socket, sys

kind, port, size, addresses = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]


def value(number):
    block = hashlib.sha256(str(number).encode()).hexdigest().encode()
    return (block * (size // len(block) + 1))[:size]


def requests(number):
    data = value(number)
    if kind == "redis":
        key = b"$1\r\nk\r\n"
        yield b"*3\r\n$3\r\nSET\r\n" + key + b"$%d\r\n%s\r\n" % (size, data), b"+OK\r\n"
        yield b"*2\r\n$3\r\nGET\r\n" + key, b"$%d\r\n%s\r\n" % (size, data)
    else:
        yield b"set k%d 0 0 %d\r\n%s\r\n" % (number, size, data), b"STORED\r\n"
        yield b"get k%d\r\n" % number, b"VALUE k%d 0 %d\r\n%s\r\nEND\r\n" % (number, size, data)


def exactly(connection, wanted):
    got = b""
    while len(got) < wanted:
        part = connection.recv(wanted - len(got))
        if not part:
            break
        got += part
    return got


connections = [socket.create_connection((address, port), 10) for address in addresses]
rounds = [list(requests(number)) for number in range(len(connections))]
same = 0
for step in range(2):
    for connection, steps in zip(connections, rounds):
        connection.sendall(steps[step][0])
    for connection, steps in zip(connections, rounds):
        same += step == 1 and exactly(connection, len(steps[1][1])) == steps[1][1]
        if step == 0:
            exactly(connection, len(steps[0][1]))
print(same)
