import type { Check } from "../finding.js";

export const networkManager: Check = {
  id: "network-manager",
  about: "NetworkManager leaves the kernel's device of kni_switch alone",
  look: ({ machine }) =>
    [...machine.networkManager].map(([device, advice]) => ({
      severity: "warning",
      what: `NetworkManager runs, and may take ${device} for its own`,
      why: "it would take the stack's address away from the device, or give it one of its own",
      fix: advice.replace(/^[^;]*; /, ""),
    })),
};
