import { build } from "./build/build.js";

if (!(await build())) process.exitCode = 1;
