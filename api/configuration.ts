// Reads the configuration file, which holds options for all commands of a project.
import { access, readFile } from "node:fs/promises";
import { extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { FlowtapeError, hasErrno, messageOf } from "../src/errors.ts";
import type { OptionTable, OptionValues } from "../src/options.ts";
import { checkValue } from "./option-value.ts";

/** File names in search order. */
const FILES = ["flowtape.config.ts", "flowtape.config.js", "flowtape.config.json", "flowtape.config.yaml"];

export interface Configuration {
	/** The name of the file, for messages; empty if there is none. */
	file: string;
	values: Readonly<Record<string, unknown>>;
}

/**
 * Reads the named file, or the first of the usual ones in the working directory. Without a file, there are no values.
 * @throws FlowtapeError FT_NOT_FOUND, FT_BAD_OPTION
 */
export async function readConfiguration(named: string | null): Promise<Configuration> {
	const file = named ?? (await firstOf(FILES));
	if (file === null) return { file: "", values: {} };
	const values = await load(file);
	if (typeof values !== "object" || values === null || Array.isArray(values))
		throw new FlowtapeError("FT_BAD_OPTION", `${file}: expected an object of option names and values`, { file });
	return { file, values: values as Record<string, unknown> };
}

/**
 * The values of a table's options in a configuration file. The file may hold other options too.
 * @throws FlowtapeError FT_BAD_OPTION for an invalid value
 */
export function configuredValues<T extends OptionTable>(
	table: T,
	{ file, values }: Configuration,
): Partial<OptionValues<T>> {
	const names = new Map(
		Object.entries(table).flatMap(([name, { aliases = [] }]) =>
			[name, ...aliases].map((word) => [word, name] as const),
		),
	);
	const found: Record<string, unknown> = {};
	for (const [key, value] of Object.entries(values)) {
		const name = names.get(key.replaceAll("-", "_"));
		const spec = name === undefined ? undefined : table[name];
		if (name !== undefined && spec !== undefined && value !== undefined)
			found[name] = checkValue(spec, value, `${file}: ${key}`);
	}
	return found as Partial<OptionValues<T>>;
}

async function firstOf(files: readonly string[]): Promise<string | null> {
	for (const file of files) {
		try {
			await access(file);
			return file;
		} catch {
			// try the next one
		}
	}
	return null;
}

async function load(file: string): Promise<unknown> {
	try {
		switch (extname(file)) {
			case ".json":
				return JSON.parse(await readFile(file, "utf8"));
			case ".yaml":
			case ".yml":
				return (await import("yaml")).parse(await readFile(file, "utf8")) ?? {};
			default:
				return ((await import(pathToFileURL(resolve(file)).href)) as { default?: unknown }).default ?? {};
		}
	} catch (cause) {
		if (hasErrno(cause, "ENOENT", "ERR_MODULE_NOT_FOUND"))
			throw new FlowtapeError("FT_NOT_FOUND", `${file}: no such file`, { file, cause });
		if (hasErrno(cause, "ERR_UNKNOWN_FILE_EXTENSION") && file.endsWith(".ts"))
			throw new FlowtapeError(
				"FT_BAD_OPTION",
				`${file}: TypeScript needs Node 22.18 or later, this is ${process.version}; write it as .js`,
				{ file, cause },
			);
		throw new FlowtapeError("FT_BAD_OPTION", `${file}: ${messageOf(cause)}`, { file, cause });
	}
}
