// Bundles the pages' scripts into the portal's static folder; with --test bundles the tests and runs them with Node's own runner;
// with --probe FOLDER bundles what tests with real browsers load beside the pages' own scripts.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = path.dirname(fileURLToPath(import.meta.url));

// The licences of what is bundled ask for their text to travel with it.
function licences(metafile) {
  const packages = new Set();
  for (const input of Object.keys(metafile.inputs)) {
    const found = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (found) packages.add(found[1]);
  }
  return [...packages].sort().map((folder) => {
    const name = readdirSync(path.join(here, folder)).find((file) => /^licen[cs]e/i.test(file));
    return `${folder.replace(/^.*node_modules\//, "")}\n\n${name ? readFileSync(path.join(here, folder, name), "utf8") : "see its package.json"}\n`;
  });
}

async function bundle() {
  const out = path.join(here, "../portal/static/room");
  rmSync(out, { recursive: true, force: true });
  const result = await build({
    // One script a page. Nothing is split: the first page must not wait for a second request.
    entryPoints: {
      room: "src/main.ts",
      sealing: "src/sealing/worker.ts", // runs in a Worker: keys of frames are not in the page's own thread
      join: "src/join.ts",
      devices: "src/devices.ts",
      posted: "src/posted.ts",
      passkey: "src/passkey.ts",
      aloud: "src/aloud.ts",
    },
    absWorkingDir: here,
    outdir: out,
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: ["chrome80", "firefox91", "safari14.1"],
    metafile: true,
    // mediasoup-client takes `debug` along, which reads localStorage; the pages keep nothing there.
    define: { "process.env.NODE_ENV": '"production"', "process.env.DEBUG": '""' },
    logLevel: "warning",
  });
  writeFileSync(path.join(out, "licences.txt"), licences(result.metafile).join("\n----\n\n"));
  for (const name of readdirSync(out).filter((file) => file.endsWith(".js")).sort()) {
    const file = path.join(out, name);
    const compressed = gzipSync(readFileSync(file), { level: 9 });
    writeFileSync(`${file}.gz`, compressed); // the portal sends this one to browsers that take it, which is all of them
    console.log(`${name}  ${statSync(file).size} bytes, ${compressed.length} with gzip`);
  }
}

async function test() {
  const out = mkdtempSync(path.join(tmpdir(), "hearth-webclient-"));
  try {
    const files = readdirSync(path.join(here, "test")).filter((file) => file.endsWith(".test.ts"));
    await build({
      entryPoints: files.map((file) => `test/${file}`),
      absWorkingDir: here,
      outdir: out,
      bundle: true,
      format: "esm",
      platform: "node",
      target: "node20",
      outExtension: { ".js": ".mjs" },
      logLevel: "warning",
    });
    const compiled = files.map((file) => path.join(out, file.replace(/\.ts$/, ".mjs")));
    const run = spawnSync(process.execPath, ["--test", ...compiled], { stdio: "inherit" });
    process.exitCode = run.status ?? 1;
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

async function probe(out) {
  const files = readdirSync(path.join(here, "test/probe"));
  await build({
    entryPoints: files.map((file) => `test/probe/${file}`),
    absWorkingDir: here,
    outdir: out,
    bundle: true,
    format: "esm",
    platform: "browser",
    target: ["chrome100", "firefox117"],
    logLevel: "warning",
  });
}

const folder = process.argv.indexOf("--probe") + 1;
await (folder > 0 ? probe(path.resolve(process.argv[folder])) : process.argv.includes("--test") ? test() : bundle());
