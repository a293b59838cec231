export { ipv4Low, ipv4Mask, ipv4Raw, isAnyAddress, isIpv4, isIpv4Martian } from "../../../stack/wire/address";
export {
  checksumAdd,
  checksumAddAt,
  checksumFold,
  checksumUpdate,
  ipv4PseudoSum,
  pseudoSum,
} from "../../../stack/wire/checksum";
export {
  ethernetDestination,
  ethernetSource,
  ethernetType,
  ethernetWrite,
  multicastMac,
} from "../../../stack/wire/ethernet";
export { ipv4Begin, ipv4CopyFixed, ipv4Finish, ipv4FixedSum } from "../../../stack/wire/ipv4";
export {
  virtioNetChecksumGood,
  virtioNetWriteChecksum,
  virtioNetWritePlain,
} from "../../../stack/wire/virtio-net";
