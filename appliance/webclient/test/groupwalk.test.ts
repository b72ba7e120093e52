// Random walks through the life of a room with several facilitators. Whatever happened: when all rest, those whom the box calls inside and
// who are connected hold one key and show one code, and nobody else has it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Life, type Open } from "./life.ts";

/** Numerical Recipes' generator: the same walk for the same seed. */
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const STEPS = 40;
const MOST = 10;

async function walk(seed: number): Promise<void> {
  const roll = dice(seed);
  const life = new Life();
  const leads = ["Fay", "Gil", "Hal"];
  life.facilitator("Fay");
  await life.rest();
  let people = 0;
  const pick = (fit: (page: Open) => boolean): Open | undefined => {
    const fitting = life.open.filter(fit);
    return fitting[roll(fitting.length)];
  };
  const leading = (page: Open): boolean => page.person.role === "facilitator";
  const inside = (page: Open): boolean => page.person.standing === "admitted";
  const up = (page: Open): boolean => page.line.up;
  const steps: (() => unknown)[] = [
    () => life.open.length < MOST && life.waiting(`P${people++}`),
    () => life.open.length < MOST && life.waiting(`P${people++}`),
    () => {
      const [by, who] = [pick((page) => leading(page) && up(page)), pick((page) => page.person.standing === "waiting")];
      if (by && who) life.admit(by, who.person.member);
    },
    () => {
      const who = pick((page) => !leading(page) && inside(page));
      if (!who) return;
      life.box.stand(who.person.member, "removed");
      who.keeper.forget();
      life.close(who);
    },
    () => {
      const who = pick(inside);
      if (who) life.reload(who);
    },
    () => pick((page) => inside(page) && up(page) && life.open.filter((one) => leading(one) && one.line.up).length > 1)?.line.down(),
    () => pick((page) => !up(page))?.line.connect(),
    () => void pick((page) => inside(page) && up(page))?.keeper.rejoin(),
    () => void pick((page) => page.facts.phase === "in" && up(page))?.keeper.say("hello").catch(() => undefined),
    () => {
      const lead = leads.find((one) => !life.box.people.has(one));
      if (lead) life.facilitator(lead);
    },
    () => {
      const page = pick((one) => inside(one) && up(one));
      if (page) page.line.losesAnswerTo = ["groupCommit", "groupOffer", "groupLook"][roll(3)]!;
    },
  ];
  for (let step = 0; step < STEPS; step++) {
    steps[roll(steps.length)]!();
    if (roll(2) === 0) await life.rest(); // else the next happens at the same time
  }
  for (const page of life.open) page.line.losesAnswerTo = null;
  for (const page of life.open) if (!page.line.up) page.line.connect();
  await life.later();
  life.admit(life.open.find(leading)!, ...life.open.filter((page) => !leading(page) && inside(page) && page.facts.phase !== "in").map((page) => page.person.member));
  await life.later();
  life.together(...life.open.filter(inside));
  for (const page of life.open) if (!inside(page)) assert.deepEqual([page.keys.length, page.facts.phase], [0, "asking"]);
}

for (const seed of [1, 2, 3, 4, 5, 6]) test(`walk ${seed} ends with one key and one code for all who are inside`, () => walk(seed));
