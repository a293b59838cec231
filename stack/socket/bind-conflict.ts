import { PoolId, pool, poolAt } from "../memory/pool";
import { Tcb, TcbFlag, TcpState } from "../tcp/tcb";
import { isIpv4 } from "../wire/address";
import { bindChain } from "./bind-table";
import { connectionAlive } from "./connection";
import { Socket, SocketFlag, SocketKind } from "./socket";

/**
 * Which sockets may share a port: the rules of Linux (net/ipv4/inet_connection_sock.c and udp.c describe them
 * by code, socket(7) and ip(7) in words; test/stack/socket/bind.test.ts compares with the kernel).
 */

/** Bits of the families whose packets a local address can receive. */
enum Family {
  ipv4 = 1,
  ipv6 = 2,
}

/**
 * The families of a local address; one of zeros means any, on an IPv6 socket both families unless IPV6_V6ONLY
 * is set.
 */
function families(high: u64, low: u64, version: u32, flags: u32): u32 {
  if ((high | low) != 0) return isIpv4(high, low) ? Family.ipv4 : Family.ipv6;
  if (version == 4) return Family.ipv4;
  return (flags & SocketFlag.v6Only) != 0 ? Family.ipv6 : Family.ipv4 | Family.ipv6;
}

/** Whether the socket's local address and another can receive the same packet. */
function overlaps(socket: Socket, high: u64, low: u64, version: u32, flags: u32): bool {
  const own = families(socket.localHigh, socket.localLow, socket.version, socket.flags);
  if ((own & families(high, low, version, flags)) == 0) return false;
  if ((high | low) == 0 || (socket.localHigh | socket.localLow) == 0) return true;
  return socket.localHigh == high && socket.localLow == low;
}

/**
 * Whether the options of two holders of a port and address let them share it. `listening`: the other one
 * listens, and SO_REUSEADDR does not help against a listener.
 */
function mayShare(flags: u32, other: u32, listening: bool): bool {
  if ((flags & other & SocketFlag.reuseAddress) != 0 && !listening) return true;
  return (flags & other & SocketFlag.reusePort) != 0;
}

/** A connection that ended, and whose port nobody asked for by name, holds it no longer. */
function hasLetGo(other: Socket): bool {
  return (
    other.kind == SocketKind.connection &&
    !connectionAlive(other) &&
    (other.flags & SocketFlag.portGiven) == 0
  );
}

/**
 * Whether a connection without a socket (it delivers its last bytes after close, or stands in TIME_WAIT)
 * conflicts. Looks at every control block, which only a bind() with a port and without SO_REUSEADDR has to
 * pay for.
 */
function orphanConflicts(socket: Socket, port: u16): bool {
  const touched = pool(PoolId.tcb).touched;
  for (let i: u32 = 0; i < touched; i++) {
    const tcb = changetype<Tcb>(poolAt(PoolId.tcb, i));
    if (tcb.state == TcpState.closed || tcb.localPort != port) continue;
    if (tcb.socket != 0 && tcb.state != TcpState.timeWait) continue;
    if (tcb.listener != 0 || (tcb.flags & TcbFlag.hashed) == 0) continue;
    if (mayShare(socket.flags, tcb.options, false)) continue;
    if (overlaps(socket, tcb.localHigh, tcb.localLow, 4, 0)) return true;
  }
  return false;
}

/**
 * Whether `socket` may not have `port` at its local address beside those who have it. `strict` is the stack's
 * own choice of a port: nobody with an overlapping address is acceptable, whatever the options say.
 */
export function bindConflicts(socket: Socket, port: u16, strict: bool): bool {
  const datagram = socket.kind == SocketKind.datagram;
  let at = bindChain(port);
  while (at != 0) {
    const other = changetype<Socket>(at);
    at = other.bindNext;
    if (other.localPort != port || changetype<usize>(other) == changetype<usize>(socket)) continue;
    if ((other.kind == SocketKind.datagram) != datagram || hasLetGo(other)) continue;
    if (!overlaps(socket, other.localHigh, other.localLow, other.version, other.flags)) continue;
    if (strict || !mayShare(socket.flags, other.flags, other.kind == SocketKind.listener)) return true;
  }
  return !datagram && orphanConflicts(socket, port);
}

/** Whether a stream socket asked for `port` by name: connect() leaves such ports alone. */
export function portIsGiven(port: u16): bool {
  let at = bindChain(port);
  while (at != 0) {
    const other = changetype<Socket>(at);
    at = other.bindNext;
    if (other.localPort != port || other.kind == SocketKind.datagram) continue;
    if (other.kind == SocketKind.listener || (other.flags & SocketFlag.portGiven) != 0) return true;
  }
  return false;
}
