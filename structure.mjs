// Checks the imports against the rules of .dependency-cruiser.cjs, which are the table in ARCHITECTURE.md.
// dependency-cruiser reads JavaScript, because TypeScript 7 has no API for it. Compilers remove imports of types, which
// count too. This script therefore writes the sources to build/structure without types, but with all imports.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { transformSync } from "esbuild";

const folder = "build/structure";
const parts = ["src", "api", "commands", "formats", "viewer", "integrations"].filter((part) => existsSync(part));
const sources = parts.flatMap((part) => readdirSync(part, { recursive: true }).map((name) => join(part, name)));

/** Converts a file to JavaScript that keeps all imports, also those of types. */
function untyped(text, loader) {
	const kept = text
		.replace(/^import type /gm, "import ")
		.replace(/^export type (?=[{*])/gm, "export ")
		// an import without names is kept, even if only types were imported
		.replace(/^(?:import [^;"]*|export (?:\{[^}]*\}|\*[^;"]*)) from ("[^"]+");$/gm, "import $1;");
	return transformSync(kept, { loader, jsx: "automatic", jsxImportSource: "preact" }).code.replace(
		/\.([cm]?)tsx?"/g,
		'.$1js"',
	);
}

rmSync(folder, { recursive: true, force: true });
for (const file of ["index.ts", ...sources.filter((name) => /(?<!\.d)\.c?tsx?$/.test(name))]) {
	const target = join(folder, file.replace(/tsx?$/, "js"));
	mkdirSync(dirname(target), { recursive: true });
	writeFileSync(target, untyped(readFileSync(file, "utf8"), file.endsWith("x") ? "tsx" : "ts"));
}
const { status } = spawnSync(
	process.execPath,
	[
		"../../node_modules/dependency-cruiser/bin/dependency-cruise.mjs",
		"--config",
		"../../.dependency-cruiser.cjs",
		...parts,
		"index.js",
	],
	{ cwd: folder, stdio: "inherit" },
);
process.exitCode = status ?? 1;
