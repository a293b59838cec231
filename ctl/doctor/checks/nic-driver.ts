import type { PciDevice } from "../facts/facts.js";
import type { Check, Problem } from "../finding.js";

/** Drivers that leave a NIC to a process. */
const FOR_PROCESSES = ["vfio-pci", "igb_uio", "uio_pci_generic"];

/**
 * Who makes the NICs whose drivers of DPDK are linked (scripts/build/dpdk-link.ts): Intel, virtio, ENA,
 * VMware.
 */
const VENDORS = ["0x8086", "0x1af4", "0x1d0f", "0x15ad"];

function problems({ address, isThere, vendor, driver }: PciDevice): Problem[] {
  if (!isThere) {
    return [
      {
        severity: "error",
        what: `there is no PCI device ${address}, which a configuration names`,
        why: "DPDK finds no device, so the start fails",
        fix: "lspci -D   # lists the addresses; then correct the one behind -a",
      },
    ];
  }
  if (!VENDORS.includes(vendor)) {
    return [
      {
        severity: "error",
        what: `liblstack-dpdk.so has no driver for ${address}, whose vendor is ${vendor}`,
        why: "DPDK's drivers for Intel, virtio, ENA and vmxnet3 are linked, and no others: the start fails",
        fix: `use it with port packet, or with --vdev net_af_xdp0,iface=DEVICE in dpdk_args`,
      },
    ];
  }
  if (driver !== null && FOR_PROCESSES.includes(driver)) return [];
  return [
    {
      severity: "error",
      what: `${address} ${driver === null ? "has no driver" : `is bound to the kernel's driver ${driver}`}`,
      why: "DPDK cannot take a NIC that is not bound to vfio-pci, igb_uio or uio_pci_generic",
      fix: `modprobe vfio-pci && dpdk-devbind.py --bind=vfio-pci ${address}`,
    },
  ];
}

export const nicDriver: Check = {
  id: "nic-driver",
  about: "NICs on the PCI bus are bound to a driver for processes",
  look: ({ machine }) => machine.pciDevices.flatMap(problems),
};
