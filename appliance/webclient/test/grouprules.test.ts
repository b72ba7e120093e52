// The rules of group/rules.ts as tables, and the bytes of the roster code.

import assert from "node:assert/strict";
import { test } from "node:test";
import { toHex } from "../src/group/bytes.ts";
import { rosterBytes } from "../src/group/rostercode.ts";
import { type Maker, type Offered, plan, rank, type Refusal, refusal, type Step } from "../src/group/rules.ts";
import { LAST_LEAF } from "../src/sealing/kid.ts";
import type { RosterMember } from "../src/protocol.ts";

// Fay leads and sits on leaf 0, Gil leads on 2, Ada and Ben are patients on 1 and 5.
const SEATS = [
  { leaf: 0, member: "Fay", role: "facilitator", key: "kF" },
  { leaf: 1, member: "Ada", role: "participant", key: "kA" },
  { leaf: 2, member: "Gil", role: "facilitator", key: "kG" },
  { leaf: 5, member: "Ben", role: "participant", key: "kB" },
] as const;

const leaf = (at: number): Maker => ({ kind: "leaf", leaf: at });
const newcomer = (member: string, role: "facilitator" | "participant" = "facilitator"): Maker => ({ kind: "newcomer", member, role });
const add = (member: string, role: "facilitator" | "participant" = "participant"): Step => ({ kind: "add", member, role });
const remove = (at: number): Step => ({ kind: "remove", leaf: at });
const init: Step = { kind: "externalInit" };
const other: Step = { kind: "other" };

const COMMITS: [string, Maker, Step[], Refusal | null][] = [
  ["a facilitator adds", leaf(0), [add("Cat")], null],
  ["a facilitator removes", leaf(0), [remove(1)], null],
  ["any facilitator does", leaf(2), [add("Cat"), remove(5)], null],
  ["a facilitator removes another facilitator", leaf(0), [remove(2)], null],
  ["an old leaf gives way to a new one", leaf(0), [remove(1), add("Ada")], null],
  ["the same, the other way round: Removes come first", leaf(0), [add("Ada"), remove(1)], null],
  ["several come at once", leaf(0), [add("Cat"), add("Dan"), add("Eve")], null],
  ["a patient commits", leaf(1), [add("Cat")], "not a facilitator"],
  ["a patient removes another", leaf(1), [remove(5)], "not a facilitator"],
  ["a patient only renews keys", leaf(1), [], "not a facilitator"],
  ["an empty leaf commits", leaf(3), [add("Cat")], "unknown maker"],
  ["a leaf outside the tree commits", leaf(900), [add("Cat")], "unknown maker"],
  ["nobody of ours commits", { kind: "other" }, [add("Cat")], "unknown maker"],
  ["a Commit without proposals", leaf(0), [], "nothing in it"],
  ["a proposal of another type", leaf(0), [other], "forbidden proposal"],
  ["one of another type among good ones", leaf(0), [add("Cat"), other], "forbidden proposal"],
  ["an external init by a member", leaf(0), [init], "forbidden proposal"],
  ["a facilitator is added", leaf(0), [add("Hal", "facilitator")], "adds a facilitator"],
  ["an old leaf gives way to a facilitator of that name", leaf(0), [remove(1), add("Ada", "facilitator")], "adds a facilitator"],
  ["somebody is added a second time", leaf(0), [add("Ada")], "already there"],
  ["the same person twice in one Commit", leaf(0), [add("Cat"), add("Cat")], "already there"],
  ["somebody is added while another leaf goes", leaf(0), [remove(5), add("Ada")], "already there"],
  ["the maker removes itself", leaf(0), [remove(0)], "removes itself"],
  ["a leaf is removed twice", leaf(0), [remove(1), remove(1)], "removed twice"],
  ["an empty leaf is removed", leaf(0), [remove(3)], "no such leaf"],
  ["a new facilitator comes from outside", newcomer("Hal"), [init], null],
  ["a facilitator comes back over their old leaf", newcomer("Fay"), [remove(0), init], null],
  ["the same, in the other order", newcomer("Fay"), [init, remove(0)], null],
  ["a facilitator comes back beside their old leaf", newcomer("Fay"), [init], "leaves an old leaf"],
  ["a facilitator comes back over another's leaf", newcomer("Fay"), [init, remove(2)], "removes another"],
  ["a facilitator comes back over a patient's leaf", newcomer("Fay"), [init, remove(1)], "removes another"],
  ["a facilitator comes back over two leaves", newcomer("Fay"), [init, remove(0), remove(1)], "removes another"],
  ["a new facilitator removes somebody", newcomer("Hal"), [init, remove(1)], "removes another"],
  ["a facilitator adds somebody from outside", newcomer("Hal"), [init, add("Cat")], "forbidden proposal"],
  ["another type from outside", newcomer("Hal"), [init, other], "forbidden proposal"],
  ["two external inits", newcomer("Hal"), [init, init], "no external init"],
  ["no external init", newcomer("Hal"), [], "no external init"],
  ["a patient comes from outside", newcomer("Cat", "participant"), [init], "not a facilitator"],
  ["a patient comes back over their own leaf", newcomer("Ada", "participant"), [init, remove(1)], "not a facilitator"],
  ["a patient's member with a facilitator's credential comes back over their own leaf", newcomer("Ada"), [init, remove(1)], null],
];

for (const [what, maker, steps, expected] of COMMITS) {
  test(`${what}: ${expected ?? "accepted"}`, () => assert.equal(refusal(maker, steps, SEATS), expected));
}

test("a full tree takes nobody more, from inside or outside", () => {
  const full = Array.from({ length: LAST_LEAF + 1 }, (_, at) => ({ leaf: at, member: `M${at}`, role: at === 0 ? "facilitator" : "participant", key: `k${at}` }) as const);
  assert.equal(refusal(leaf(0), [add("Cat")], full), "full");
  assert.equal(refusal(leaf(0), [remove(1), add("Cat")], full), null);
  assert.equal(refusal(newcomer("Hal"), [init], full), "full");
});

// -- plan

const inRoom = (...members: string[]): RosterMember[] =>
  members.map((member) => ({ member, name: member, facilitator: ["Fay", "Gil"].includes(member), you: member === "Fay", connected: true }));
const ALL = inRoom("Fay", "Ada", "Gil", "Ben");
const offer = (member: string, key: string): Offered => ({ member, key });

type Expected = Partial<ReturnType<typeof plan>>;
const PLANS: [string, RosterMember[] | null, Offered[], [string, string | null][], Expected][] = [
  ["all are there", ALL, [], [], {}],
  ["the box has not told its list", null, [offer("Cat", "kC")], [["Cat", "kC"]], {}],
  ["a list without this page", inRoom("Ada"), [], [], {}],
  ["an empty list", [], [], [], {}],
  ["a patient is out", inRoom("Fay", "Gil", "Ben"), [], [], { remove: [1] }],
  ["a facilitator is out", inRoom("Fay", "Ada", "Ben"), [], [], { remove: [2] }],
  ["somebody waits", ALL, [offer("Cat", "kC")], [], {}],
  ["somebody waits and was tapped, but the box has not let them in", ALL, [offer("Cat", "kC")], [["Cat", "kC"]], {}],
  ["let in by the box alone", [...ALL, ...inRoom("Cat")], [offer("Cat", "kC")], [], { pending: ["Cat"] }],
  ["let in by the box and here", [...ALL, ...inRoom("Cat")], [offer("Cat", "kC")], [["Cat", "kC"]], { add: ["Cat"], urgent: true }],
  ["tapped before a key was there", [...ALL, ...inRoom("Cat")], [offer("Cat", "kC")], [["Cat", null]], { add: ["Cat"], urgent: true }],
  ["tapped with another key", [...ALL, ...inRoom("Cat")], [offer("Cat", "kX")], [["Cat", "kC"]], { pending: ["Cat"] }],
  ["back with the key of their leaf", ALL, [offer("Ada", "kA")], [], { swap: ["Ada"] }],
  ["back with another key", ALL, [offer("Ada", "kX")], [], { pending: ["Ada"] }],
  ["back with another key, and tapped", ALL, [offer("Ada", "kX")], [["Ada", "kX"]], { swap: ["Ada"], urgent: true }],
  ["back with somebody else's key", ALL, [offer("Ada", "kB")], [], { pending: ["Ada"] }],
  ["out, and offers with the key of their leaf", inRoom("Fay", "Gil", "Ben"), [offer("Ada", "kA")], [], { remove: [1] }],
  ["a facilitator's place is not given to an offer", ALL, [offer("Gil", "kG")], [["Gil", "kG"]], {}],
  ["all at once", [...inRoom("Fay", "Gil", "Ben"), ...inRoom("Cat")], [offer("Ben", "kB"), offer("Cat", "kC")], [["Cat", "kC"]], { add: ["Cat"], swap: ["Ben"], remove: [1], urgent: true }],
];

for (const [what, roster, offers, approvals, expected] of PLANS) {
  test(`plan, ${what}: ${JSON.stringify(expected)}`, () => {
    const nothing = { add: [], remove: [], swap: [], pending: [], urgent: false };
    assert.deepEqual(plan("Fay", SEATS, roster, offers, new Map(approvals)), { ...nothing, ...expected });
  });
}

test("whatever the plan adds, swaps and removes makes a Commit that the rules accept", () => {
  const people = ["Fay", "Ada", "Gil", "Ben", "Cat", "Dan"];
  for (let mask = 0; mask < 1 << 12; mask++) {
    const has = (bit: number): boolean => ((mask >> bit) & 1) === 1;
    const roster = inRoom("Fay", ...people.slice(1).filter((_, at) => has(at)));
    const offers = ["Ada", "Ben", "Cat", "Dan"].filter((_, at) => has(5 + at)).map((one) => offer(one, has(9) ? `k${one[0]!}` : "kX"));
    const approvals = new Map(has(10) ? [["Cat", has(11) ? null : "kC"], ["Ada", "kX"]] as [string, string | null][] : []);
    const made = plan("Fay", SEATS, roster, offers, approvals);
    const old = SEATS.filter((seat) => made.swap.includes(seat.member)).map((seat) => remove(seat.leaf));
    const steps = [...made.remove.map(remove), ...old, ...[...made.add, ...made.swap].map((one) => add(one))];
    if (steps.length > 0) assert.equal(refusal(leaf(0), steps, SEATS), null);
  }
});

test("only connected facilitators with a lower leaf go first", () => {
  assert.equal(rank("Fay", SEATS, ALL), 0);
  assert.equal(rank("Gil", SEATS, ALL), 1);
  assert.equal(rank("Gil", SEATS, ALL.map((one) => ({ ...one, connected: one.member !== "Fay" }))), 0);
  assert.equal(rank("Gil", SEATS, null), 0);
});

// -- roster code

test("the roster code's bytes are those of the written format", () => {
  const holders = [
    { leaf: 258, member: "m2", name: "Zoë" },
    { leaf: 0, member: "m1", name: "A" },
  ];
  const utf8 = (text: string): string => toHex(new TextEncoder().encode(text));
  const expected = [
    utf8("hearth roster code 1"), "0003", "aabbcc",
    "00000000", "0002", utf8("m1"), "0001", utf8("A"),
    "00000102", "0002", utf8("m2"), "0004", utf8("Zoë"),
  ].join("");
  assert.equal(toHex(rosterBytes(Uint8Array.of(0xaa, 0xbb, 0xcc), holders)), expected);
});

test("the roster code tells apart rosters whose names run together", () => {
  const bytes = (member: string, name: string): string => toHex(rosterBytes(new Uint8Array(2), [{ leaf: 0, member, name }]));
  assert.notEqual(bytes("ab", "c"), bytes("a", "bc"));
});
