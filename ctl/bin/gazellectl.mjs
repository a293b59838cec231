#!/usr/bin/env node
// The monitoring tool comes later; its name is reserved here so that scripts can already call it.
process.stderr.write("gazellectl: not yet available in this version of Gazelle\n");
process.exitCode = 1;
