#!/usr/bin/env node
import { setFlagsFromString } from "node:v8";

// A compilation leaves little behind, but V8 answers the loading of a program with a young generation of
// 32 MB, more than most models take. Kept small it costs no time.
setFlagsFromString("--semi-space-growth-factor=1");
const { run } = await import("../dist/compiler/cli/main.js");

process.exitCode = await run(process.argv.slice(2));
