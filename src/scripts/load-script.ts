// Loads a script: an ECMAScript module, or TypeScript if Node strips the types itself.
import { spawnSync } from "node:child_process";
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { FlowtapeError, hasErrno } from "../errors.ts";
import type { OptionSpec, OptionTable } from "../options.ts";
import type { Addon, Loader } from "./addon.ts";
import { resolveOwnPackage } from "./own-package.ts";

export interface Script {
	/** The path as given. */
	readonly file: string;
	/** The modification time of the file before it was loaded, in milliseconds. */
	readonly changed: number;
	/** The module, then the members of its `addons`. */
	readonly addons: readonly Addon[];
	/** The options that its addons declared. */
	readonly options: OptionTable;
}

/**
 * Imports a script, again if it was imported before, and lets it declare its options.
 * @throws FlowtapeError FT_NOT_FOUND, FT_SCRIPT
 */
export async function loadScript(file: string): Promise<Script> {
	const changed = await modificationTime(file);
	const url = pathToFileURL(resolve(file));
	// Node caches modules by URL
	url.searchParams.set("changed", String(changed));
	resolveOwnPackage();
	const module = await importModule(file, url);
	const more = Array.isArray(module.addons) ? (module.addons as readonly Addon[]) : [];
	const addons = [module as Addon, ...more];
	return { file, changed, addons, options: declaredOptions(file, addons) };
}

/**
 * The modification time of a script, in milliseconds.
 * @throws FlowtapeError FT_NOT_FOUND
 */
export async function modificationTime(file: string): Promise<number> {
	try {
		return (await stat(resolve(file))).mtimeMs;
	} catch (cause) {
		throw new FlowtapeError("FT_NOT_FOUND", `no such script: ${file}`, { file, cause });
	}
}

async function importModule(file: string, url: URL): Promise<Readonly<Record<string, unknown>>> {
	try {
		return (await import(url.href)) as Record<string, unknown>;
	} catch (cause) {
		if (hasErrno(cause, "ERR_UNKNOWN_FILE_EXTENSION") && /\.[cm]?ts$/.test(file))
			throw new FlowtapeError(
				"FT_SCRIPT",
				`${file}: scripts in TypeScript need Node 22.18 or later, this is ${process.version}; write it as .js`,
				{ file, cause },
			);
		throw new FlowtapeError("FT_SCRIPT", `error in script ${describeError(file, cause)}`, { file, cause });
	}
}

function declaredOptions(file: string, addons: readonly Addon[]): OptionTable {
	const table: Record<string, OptionSpec> = {};
	const loader: Loader = {
		add_option(name, type, initial, help, choices) {
			if (!/^[a-z][a-z0-9_]*$/.test(name))
				throw new TypeError(`"${name}" is not a valid option name: expected lower-case letters, digits and _`);
			const isOfType = OPTION_TYPES.get(type);
			if (isOfType === undefined)
				throw new TypeError(
					`the option ${name} has the unknown type "${type}": expected ${[...OPTION_TYPES.keys()].join(", ")}`,
				);
			if (!isOfType(initial))
				throw new TypeError(
					`the option ${name} has the type ${type}, but the initial value ${JSON.stringify(initial)}`,
				);
			table[name] = { type, default: initial, help, ...(choices && { choices }) } as OptionSpec;
		},
	};
	try {
		for (const addon of addons) addon.load?.(loader);
	} catch (cause) {
		throw new FlowtapeError("FT_SCRIPT", `error in script ${describeError(file, cause)}`, { file, cause });
	}
	return table;
}

/** The types of options, each with a check of its values. null: no value until the option is set. */
const OPTION_TYPES: ReadonlyMap<string, (value: unknown) => boolean> = new Map([
	["boolean", (value: unknown) => typeof value === "boolean"],
	["string", (value: unknown) => value === null || typeof value === "string"],
	["integer", (value: unknown) => value === null || Number.isSafeInteger(value)],
	["sequence", (value: unknown) => Array.isArray(value) && value.every((item) => typeof item === "string")],
]);

/** Formats an error as `file:line: name: message`; the line in the script comes from the stack, if it is there. */
export function describeError(file: string, error: unknown): string {
	if (!(error instanceof Error)) return `${file}: ${String(error)}`;
	const line =
		lineOf(resolve(file), error.stack ?? "") ?? (error instanceof SyntaxError ? lineOfSyntaxError(file) : null);
	return `${file}${line === null ? "" : `:${line}`}: ${error.name}: ${error.message}`;
}

/** The line of a syntax error. Its stack does not contain it; only `node --check` prints it. */
function lineOfSyntaxError(file: string): string | null {
	const { stderr } = spawnSync(process.execPath, ["--check", file], { encoding: "utf8", timeout: CHECK_MS });
	return /^.*:(\d+)$/m.exec(stderr ?? "")?.[1] ?? null;
}

const CHECK_MS = 5000;

/** Whether an error comes from a script, by its stack. */
export function comesFrom(file: string, error: unknown): boolean {
	return error instanceof Error && lineOf(resolve(file), error.stack ?? "") !== null;
}

function lineOf(path: string, stack: string): string | null {
	for (const [, url = "", line = ""] of stack.matchAll(/(file:\/\/[^\s:)]+):(\d+)/g)) {
		if (fileURLToPath(url.replace(/\?.*$/, "")) === path) return line;
	}
	return null;
}
