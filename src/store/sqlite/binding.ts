// Checks better-sqlite3's native binding before it is loaded: one that was built for another Node.js may crash the
// process.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { FlowtapeError } from "../../errors.ts";

/** A version of Node.js: `process.version`, and the number of its binary interface, `process.versions.modules`. */
export interface NodeVersion {
	readonly version: string;
	readonly modules: string;
}

/** Where the build puts the binding, below the package's folder. */
const BINDING = join("build", "Release", "better_sqlite3.node");
/** The beginning of the name of a binding's entry function; the number of the binary interface follows. */
const REGISTER = "node_register_module_v";

interface Manifest {
	readonly version?: string;
	readonly engines?: { readonly node?: string };
	readonly dependencies?: Readonly<Record<string, string>>;
}

/**
 * @param entry the main file of the package
 * @throws FlowtapeError FT_INSTALL if the package does not support this Node.js, if its install script did not run, or
 * if it was built for another Node.js
 */
export function checkBinding(
	entry: string,
	{ version, modules }: NodeVersion = { version: process.version, modules: process.versions.modules },
): void {
	const folder = packageFolder(entry);
	if (folder === null) return;
	const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
	const where = dirname(dirname(folder));
	const supported = manifest.engines?.node;
	if (supported !== undefined && !allows(supported, version))
		throw new FlowtapeError(
			"FT_INSTALL",
			`better-sqlite3 ${manifest.version ?? ""} does not run on Node.js ${version} (it needs ${supported}); run in ${where}: npm install better-sqlite3@12, or use another Node.js`,
			{ file: folder },
		);
	const file = join(folder, BINDING);
	const how = `run in ${where}: npm rebuild better-sqlite3 --ignore-scripts=false`;
	if (!existsSync(file)) {
		// without the package `bindings`, better-sqlite3 may keep its binding elsewhere
		if (manifest.dependencies?.bindings === undefined) return;
		throw new FlowtapeError(
			"FT_INSTALL",
			`better-sqlite3 was not built: its install script did not run, as with npm install --ignore-scripts; ${how}`,
			{ file },
		);
	}
	const built = builtFor(readFileSync(file));
	if (built.length > 0 && !built.includes(modules))
		throw new FlowtapeError(
			"FT_INSTALL",
			`better-sqlite3 was built for another Node.js (module version ${built.join(", ")}, Node.js ${version} has ${modules}); ${how}`,
			{ file },
		);
}

/** The folder of the package that a file belongs to. */
function packageFolder(file: string): string | null {
	for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder))
		if (existsSync(join(folder, "package.json"))) return folder;
	return null;
}

/**
 * Whether a range such as `20.x || >=22` allows a version; only major numbers are compared. A range of any other form
 * allows every version.
 */
function allows(range: string, version: string): boolean {
	const major = Number.parseInt(version.replace(/^v/, ""), 10);
	const alternatives = range.split("||").map((part) => /^\s*(>=|\^|~|=|v)?\s*(\d+)(?:[.x\d\s]*)$/.exec(part));
	return alternatives.some(
		(found) => found === null || (found[1] === ">=" ? major >= Number(found[2]) : major === Number(found[2])),
	);
}

/** The numbers of the binary interfaces that a binding was built for; empty: unknown. */
function builtFor(binding: Buffer): string[] {
	const found = new Set<string>();
	for (let at = binding.indexOf(REGISTER); at !== -1; at = binding.indexOf(REGISTER, at + 1)) {
		const start = at + REGISTER.length;
		const digits = /^\d+/.exec(binding.toString("latin1", start, start + 8))?.[0];
		if (digits !== undefined) found.add(digits);
	}
	return [...found];
}
