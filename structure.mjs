// Holds the imports against the table of ARCHITECTURE.md, which .dependency-cruiser.cjs has as rules. dependency-cruiser reads JavaScript, since TypeScript 7
// has no API for it, and compilers leave out imports of types, which count too: so the sources go to build/structure without types, but with all imports.
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { transformSync } from "esbuild";

const folder = "build/structure";
const sources = ["src", "api", "commands", "formats"].flatMap((part) => readdirSync(part, { recursive: true }).map((name) => join(part, name)));

/** The file as JavaScript that imports what it imports, types as well. */
function untyped(text) {
	const kept = text
		.replace(/^import type /gm, "import ")
		.replace(/^export type (?=[{*])/gm, "export ")
		// without names it stays, whatever becomes of them
		.replace(/^(?:import [^;"]*|export (?:\{[^}]*\}|\*[^;"]*)) from ("[^"]+");$/gm, "import $1;");
	return transformSync(kept, { loader: "ts" }).code.replace(/\.([cm]?)ts"/g, '.$1js"');
}

rmSync(folder, { recursive: true, force: true });
for (const file of ["index.ts", ...sources.filter((name) => /(?<!\.d)\.c?ts$/.test(name))]) {
	const target = join(folder, file.replace(/ts$/, "js"));
	mkdirSync(dirname(target), { recursive: true });
	writeFileSync(target, untyped(readFileSync(file, "utf8")));
}
const { status } = spawnSync(
	process.execPath,
	[
		"../../node_modules/dependency-cruiser/bin/dependency-cruise.mjs",
		"--config",
		"../../.dependency-cruiser.cjs",
		"src",
		"api",
		"commands",
		"formats",
		"index.js",
	],
	{ cwd: folder, stdio: "inherit" },
);
process.exitCode = status ?? 1;
