/**
 * What ring/env.ts declares, for a module that runs on Node: there is one thread, every access is whole and
 * in order. A module that does not use rings ignores them.
 */
export function moduleImports(memory: WebAssembly.Memory): Record<string, WebAssembly.ImportValue> {
  // Made anew at each access: a memory that grows gets another buffer.
  const view = () => new DataView(memory.buffer);
  return {
    loadAcquire16: (address: number) => view().getUint16(address >>> 0, true),
    storeRelease16: (address: number, value: number) => view().setUint16(address >>> 0, value, true),
    loadOnce64: (address: number) => view().getBigUint64(address >>> 0, true),
    fullFence: () => {},
  };
}
