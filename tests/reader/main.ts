// Reads vector files; the folder's name says what a file holds. One line of JSON for each.

import { basename, dirname } from "node:path";
import { Fault, readVector, type Given } from "./bytes.ts";
import { readEnrolment } from "./enrolment.ts";
import { readEnvelope } from "./envelope.ts";
import { readFacts } from "./facts.ts";
import { readPack } from "./pack.ts";
import { readChain, readReceipt } from "./receipt.ts";
import { readBundle, readStream } from "./stream.ts";

const READERS: Record<string, (given: Given, raw: Buffer) => object> = {
  envelope: readEnvelope,
  receipt: readReceipt,
  chain: readChain,
  pack: readPack,
  bundle: readBundle,
  frames: readStream,
  facts: readFacts,
  enrolment: readEnrolment,
};

for (const file of process.argv.slice(2)) {
  const { given, raw } = readVector(file);
  const read = READERS[basename(dirname(file))]!;
  try {
    console.log(JSON.stringify({ file, expect: "read", result: read(given, raw) }));
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault;
    console.log(JSON.stringify({ file, expect: fault.message }));
  }
}
