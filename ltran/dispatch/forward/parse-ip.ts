import { ETHERTYPE_IPV6 } from "../../../stack/wire/ethernet";
import { Frame } from "./frame";
import { parseIpv4 } from "./parse";
import { parseIpv6 } from "./parse-ipv6";

/** Reads IP and transport headers of a frame of EtherType `type`; false, discarded, when they are wrong. */
export function parseIp(f: Frame, type: u16): bool {
  return type == ETHERTYPE_IPV6 ? parseIpv6(f) : parseIpv4(f);
}
