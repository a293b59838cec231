import { answerHash, comesHome } from "../link/rss";
import { connectPortAt, connectPorts } from "../link/steering";
import { PORT_USES } from "../memory/map";
import { root } from "../memory/root";
import { sipHash } from "../random/siphash";
import { isIpv4 } from "../wire/address";
import { connectionFind } from "./connections";
import { listenerOnPort } from "./listen";
import { timeWaitRecyclable } from "./time-wait";

const USES: u32 = 256;

@unmanaged
class Use {
  count: u32;
}

/**
 * An unused local port towards a remote endpoint, or 0 when all are taken: RFC 6056, section 3.3.4 (algorithm
 * 4, double hash): unpredictable from outside, and a port comes back as late as possible.
 */
export function ephemeralPort(
  localHigh: u64,
  localLow: u64,
  remoteHigh: u64,
  remoteLow: u64,
  remotePort: u16,
): u16 {
  const r = root();
  const hash = sipHash(r.portKey0, r.portKey1, localHigh, localLow, remoteHigh, remoteLow, remotePort);
  const offset = <u32>hash;
  const use = changetype<Use>(PORT_USES + ((<usize>(hash >> 32) & (USES - 1)) << 2));
  const ports = connectPorts();
  const rest = answerHash(localHigh, localLow, remoteHigh, remoteLow, remotePort);
  const version4 = isIpv4(localHigh, localLow);
  for (let tries: u32 = 0; tries < ports; tries++) {
    const port = connectPortAt(<u32>(offset + use.count) % ports);
    use.count++;
    if (!comesHome(version4, rest, port) || listenerOnPort(port)) continue;
    const taken = connectionFind(localHigh, localLow, remoteHigh, remoteLow, port, remotePort);
    if (changetype<usize>(taken) == 0 || timeWaitRecyclable(taken)) return port;
  }
  return 0;
}
