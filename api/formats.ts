// The formats of flow files for commands: their names, the format of a file, and a flow as a line of JSON.
import { stat } from "node:fs/promises";
import { formatForWriting, formatOf, formats } from "../formats/index.ts";
import type { Format } from "./define-format.ts";

export { summaryLine } from "../formats/index.ts";

/** The names of the built-in formats. The first is the default for writing. */
export const formatNames: readonly string[] = formats.map(({ name }) => name);

/** The extensions of flow files, without the dot. */
export const tapeExtensions: readonly string[] = formats.flatMap(({ extensions }) =>
	extensions.map((extension) => extension.slice(1)),
);

/**
 * The usual extension of files in a format, with the dot.
 * @throws FlowtapeError FT_BAD_OPTION if no format has this name
 */
export function extensionOf(format: string): string {
	return formatForWriting("", format).extensions[0] ?? "";
}

/** The name of the format in which a file would be written; undefined if there is none. */
export function formatToWrite(path: string, format: string | null): string | undefined {
	try {
		return formatForWriting(path, format ?? undefined).name;
	} catch {
		return undefined;
	}
}

/**
 * The name of a file's format by its content; undefined if the file is empty, missing or in no known format, and for
 * pipes, which can be read only once.
 */
export async function detectFormat(path: string, more?: readonly Format[]): Promise<string | undefined> {
	if (!(await isRegularFile(path))) return undefined;
	return (await formatOf(path, { formats: more }).catch(() => null)) ?? undefined;
}

/** Whether a path is a file that can be read several times: not stdin, a pipe, a device or missing. */
export async function isRegularFile(path: string): Promise<boolean> {
	const found = path === "-" ? null : await stat(path).catch(() => null);
	return found?.isFile() ?? false;
}
