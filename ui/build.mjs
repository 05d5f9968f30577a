// Builds src/ into the one script and one style sheet that the Python package ships.
// The first line of each names the hash of the sources, so that a test can tell whether it is current.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const sources = new URL("src/", import.meta.url);
const assets = new URL("../src/weerspoor/report/assets/", import.meta.url);

const digest = createHash("sha256");
for (const name of readdirSync(sources).sort()) {
  digest.update(`${name}\n`);
  digest.update(readFileSync(new URL(name, sources)));
}
const banner = `/*! weerspoor-ui EUPL-1.2 sources sha256:${digest.digest("hex")} */`;

for (const [entry, output, kind] of [
  ["page.ts", "weerspoor-ui.js", "js"],
  ["page.css", "weerspoor-ui.css", "css"],
]) {
  const result = await build({
    entryPoints: [new URL(entry, sources).pathname],
    bundle: true,
    minify: true,
    write: false,
    charset: "utf8",
    format: "iife",
    target: "es2022",
    legalComments: "none",
    banner: { [kind]: banner },
  });
  writeFileSync(new URL(output, assets), result.outputFiles[0].contents);
}
