/**
 * A network is what frames for groups reach, and in which an address means one host: a bond with or without a
 * VLAN. Its number has the VLAN's in the low 12 bits (0: untagged frames), that of the bond above.
 */

const VLAN_BITS: u32 = 12;

/** The network of a VLAN on a bond. */
export function networkOf(bond: u32, vlan: u32): u32 {
  return (bond << VLAN_BITS) | vlan;
}

/** The bond by which a network is reached. */
export function networkBond(network: u32): u32 {
  return network >> VLAN_BITS;
}

/** The VLAN of its frames; 0: they are untagged. */
export function networkVlan(network: u32): u32 {
  return network & ((1 << VLAN_BITS) - 1);
}
