import { test } from "./test/main.js";

await test(process.argv.slice(2));
