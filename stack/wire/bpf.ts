/** An instruction of the classic BPF machine: struct sock_filter of linux/filter.h, bpf_insn of libpcap. */
@unmanaged
export class BpfInstruction {
  code: u16;
  /** Instructions to be left out when a comparison holds, and when not. */
  whenTrue: u8;
  whenFalse: u8;
  constant: u32;
}
