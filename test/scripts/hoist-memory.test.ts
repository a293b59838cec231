import assert from "node:assert/strict";
import { test } from "node:test";
import { hoistMemory } from "../../scripts/build/hoist-memory.js";

const HEAD = "static void init(w2c_a* instance) {\n  instance->w2c_env_memory = x;\n}\n\n";
const USER = `u32 f(w2c_a* instance) {
  FUNC_PROLOGUE;
  u32 a = i32_load_default32(instance->w2c_env_memory, 4);
  memory_copy(instance->w2c_env_memory, instance->w2c_env_memory, 1, 2, 3);
  FUNC_EPILOGUE;
  return a;
}
`;
const OTHER = "u32 g(w2c_a* instance) {\n  FUNC_PROLOGUE;\n  FUNC_EPILOGUE;\n  return 1;\n}\n";

test("a function that uses memory copies its description once, others stay", () => {
  assert.equal(
    hoistMemory(HEAD + USER + OTHER),
    `${HEAD}u32 f(w2c_a* instance) {
  FUNC_PROLOGUE;
  wasm_rt_memory_t memory = *instance->w2c_env_memory;
  u32 a = i32_load_default32((&memory), 4);
  memory_copy((&memory), (&memory), 1, 2, 3);
  FUNC_EPILOGUE;
  return a;
}
${OTHER}`,
  );
});

test("a call of an imported function becomes one that takes the memory", () => {
  const call = "u32 h(w2c_a* instance) {\n  FUNC_PROLOGUE;\n  w2c_env_f(instance->w2c_env_instance, 1);\n";
  assert.equal(
    hoistMemory(`${call}  FUNC_EPILOGUE;\n}\n`),
    `u32 h(w2c_a* instance) {
  FUNC_PROLOGUE;
  wasm_rt_memory_t memory = *instance->w2c_env_memory;
  gz_env_f((&memory), 1);
  FUNC_EPILOGUE;
}
`,
  );
});

test("a module that grows its memory is refused", () => {
  assert.throws(() => hoistMemory(`${USER}wasm_rt_grow_memory(instance->w2c_env_memory, 1);`), /grows/);
});

test("another form of output is noticed", () => {
  assert.throws(() => hoistMemory(HEAD), /look different/);
});
