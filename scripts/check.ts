import { test } from "./test/main.js";

// What needs no stack to run: rules, types, format.
await test(["tidy", "types", "biome"]);
