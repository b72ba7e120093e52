// Figures of a group in memory, without network and box; one process does everybody's work, one after another:
// npx esbuild test/groupbench.ts --bundle --format=esm --platform=node | node --input-type=module

import { gzipSync } from "node:zlib";
import { fromText } from "../src/group/bytes.ts";
import { Trust } from "../src/group/credential.ts";
import { type Made, Member } from "../src/group/member.ts";
import { makeSuite } from "../src/group/suite.ts";
import { readOffer } from "../src/group/keypackage.ts";
import { Box } from "./box.ts";
import { keysOf, packed } from "./rogue.ts";

const GROUP = "00112233445566778899aabbccddeeff";
const ROUNDS = 20;
const bytes = (text: string | null): number => (text === null ? 0 : fromText(text, 1 << 20)!.length);
const median = (values: number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

async function timed<T>(times: number[], work: () => Promise<T>): Promise<T> {
  const from = performance.now();
  const result = await work();
  times.push(performance.now() - from);
  return result;
}

/** A facilitator and `size` - 1 patients; each has its own trust, as each has its own browser. */
async function room(box: Box, size: number, curves: "native" | "pure"): Promise<{ fay: Member; others: Member[]; made: Made }> {
  const suite = await makeSuite(curves);
  const trust = (): Trust => new Trust(box.session, box.credentialKey, suite);
  const { next: fay } = await Member.found(trust(), GROUP, await keysOf(box, { member: "Fay", role: "facilitator" }));
  const own = await Promise.all(Array.from({ length: size - 1 }, (_, at) => keysOf(box, { member: `P${at}` })));
  const offers = await Promise.all(own.map((one, at) => readOffer(`P${at}`, packed(one), trust())));
  const made = await fay.commit(offers.map((one) => one!), []);
  const others = await Promise.all(own.map((one) => Member.welcomed(trust(), GROUP, 1, made.welcome!, one)));
  return { fay: made.next, others, made };
}

async function removal(size: number, curves: "native" | "pure"): Promise<void> {
  const [commit, follow, all]: number[][] = [[], [], []];
  let made: Made | null = null;
  for (let round = 0; round < ROUNDS; round++) {
    const { fay, others } = await room(new Box(), size, curves);
    const leaf = others.pop()!.leaf;
    await timed(all!, async () => {
      made = await timed(commit!, () => fay.commit([], [leaf]));
      for (const one of others) await timed(follow!, () => one.follow(made!.commit));
      for (const one of [made.next, ...others]) await one.baseKey();
    });
  }
  const { commit: text, groupInfo } = made!;
  console.log(
    `remove from ${size}, ${curves} curves: commit ${median(commit!).toFixed(1)} ms, follow ${median(follow!).toFixed(1)} ms each, all ${size - 1} have the key after ` +
      `${median(all!).toFixed(0)} ms of one core; commit ${bytes(text)} bytes, group info ${bytes(groupInfo)} bytes`,
  );
}

async function sizes(size: number): Promise<void> {
  const box = new Box();
  const { fay } = await room(box, size - 1, "native");
  const suite = await makeSuite("native");
  const trust = new Trust(box.session, box.credentialKey, suite);
  const own = await keysOf(box, { member: "Last" });
  const times: number[][] = [[], []];
  const made = await timed(times[0]!, async () => fay.commit([(await readOffer("Last", packed(own), trust))!], []));
  const { epoch } = made.next;
  await timed(times[1]!, () => Member.welcomed(trust, GROUP, epoch, made.welcome!, own));
  const zipped = gzipSync(fromText(made.groupInfo, 1 << 20)!).length;
  console.log(
    `the ${size}th is let in: key package ${bytes(packed(own))}, commit ${bytes(made.commit)}, welcome ${bytes(made.welcome)}, group info ${bytes(made.groupInfo)} bytes ` +
      `(${zipped} with gzip); commit ${times[0]![0]!.toFixed(1)} ms, join ${times[1]![0]!.toFixed(1)} ms`,
  );
}

for (const curves of ["native", "pure"] as const) for (const size of [12, 16]) await removal(size, curves);
for (const size of [12, 16]) await sizes(size);
