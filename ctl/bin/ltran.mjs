#!/usr/bin/env node
// The multi-process dispatcher comes later; its name is reserved here so that scripts can already call it.
process.stderr.write("ltran: not yet available in this version of Gazelle\n");
process.exitCode = 1;
