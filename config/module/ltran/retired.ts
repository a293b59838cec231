import { Alias, Retired } from "../table";

/** Keys of the original that mean nothing here. */
export const retired: Retired[] = [
  new Retired("bond_rx_queue_num", "a port has one queue; remove the line"),
  new Retired("bond_tx_queue_num", "a port has one queue; remove the line"),
];

/** Other names of options. */
export const aliases: Alias[] = [
  new Alias("flow_bifurcation", "kni_switch", true),
  new Alias("kni_swith", "kni_switch"),
  new Alias("rx_pool_mbuf_size", "rx_mbuf_pool_size"),
  new Alias("tx_pool_mbuf_size", "tx_mbuf_pool_size"),
];
