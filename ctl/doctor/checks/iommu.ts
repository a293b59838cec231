import type { Check } from "../finding.js";

export const iommu: Check = {
  id: "iommu",
  about: "there is an IOMMU for NICs that are bound to vfio-pci",
  look: ({ machine }) =>
    machine.pciDevices
      .filter(({ driver, hasIommuGroup }) => driver === "vfio-pci" && !hasIommuGroup)
      .map(({ address }) =>
        machine.isUnsafeNoIommu
          ? {
              severity: "warning",
              what: `${address} is used without an IOMMU (enable_unsafe_noiommu_mode)`,
              why: "the NIC can write to all of the machine's memory",
              fix: "switch the IOMMU on in the firmware, and boot with intel_iommu=on (AMD: on by default)",
            }
          : {
              severity: "error",
              what: machine.hasIommu
                ? `${address} is in no group of the IOMMU`
                : "there is no IOMMU, or it is switched off",
              why: "vfio-pci gives no NIC away without one, so the start fails",
              fix:
                "boot with intel_iommu=on; or modprobe vfio enable_unsafe_noiommu_mode=1 and " +
                "--iova-mode=pa",
            },
      ),
};
