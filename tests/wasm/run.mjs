// node run.mjs MODULE: calls the module that this crate builds, and prints its report.
import { readFileSync } from "node:fs";

const { instance } = await WebAssembly.instantiate(readFileSync(process.argv[2]));
const { run, memory } = instance.exports;
const place = run();
const report = new Uint8Array(memory.buffer, Number(place >> 32n), Number(place & 0xffffffffn));
console.log(new TextDecoder().decode(report));
console.log(`Memory: ${memory.buffer.byteLength} bytes`);
