// Opens a HAR and its separate bodies: a single file, a file and its folder, or a ZIP archive.
import { readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, resolve, sep } from "node:path";
import { FlowtapeError } from "../../src/errors.ts";
import type { Input } from "../format.ts";
import { spool } from "../input.ts";
import { BODY_LIMIT } from "./inflation.ts";
import { ZipFile } from "./zip-file.ts";

export interface HarFiles {
	/** The HAR; a chunk is valid only until the next one. */
	chunks: AsyncIterable<Buffer>;
	/**
	 * Reads a body by its name in an entry.
	 * @throws Error if it cannot be read; FlowtapeError FT_CORRUPT_FLOW if it is damaged
	 */
	attachment(name: string): Buffer;
	/** The files of a ZIP that were not read. */
	unread(): string[];
	close(): Promise<void>;
}

export async function openHarFiles(input: Input, isZip: boolean): Promise<HarFiles> {
	if (isZip) return openZip(input);
	const { path } = input;
	return {
		chunks: input.chunks({ reuse: true }),
		attachment: (name) => readBeside(path, name),
		unread: () => [],
		close: async () => {},
	};
}

function readBeside(path: string | null, name: string): Buffer {
	if (path === null) throw new Error("a stream has no files beside it");
	const folder = realpathSync(dirname(path));
	const file = realpathSync(resolve(folder, name));
	if (!file.startsWith(folder.endsWith(sep) ? folder : folder + sep))
		throw new Error("its path leads out of the folder");
	const stats = statSync(file);
	if (!stats.isFile()) throw new Error("it is not a file");
	if (stats.size > BODY_LIMIT) throw new Error(`it is larger than ${BODY_LIMIT} bytes`);
	return readFileSync(file);
}

async function openZip(input: Input): Promise<HarFiles> {
	const { path, remove } = await spool(input);
	try {
		const zip = new ZipFile(path, input.name);
		const names = [...zip.names].filter((each) => !isOfSystem(each));
		const name = names.find((each) => each.endsWith(".har"));
		if (name === undefined)
			throw new FlowtapeError("FT_UNKNOWN_FORMAT", `${input.name}: byte 0: expected a .har in the ZIP, found none`, {
				file: input.name,
				offset: 0,
			});
		const read = new Set([name]);
		return {
			chunks: zip.chunks(name),
			attachment(file) {
				read.add(file);
				return zip.read(file);
			},
			unread: () => names.filter((each) => !read.has(each)),
			async close() {
				zip.close();
				await remove();
			},
		};
	} catch (error) {
		await remove();
		throw error;
	}
}

/** Folders, and files that macOS adds to an archive. */
function isOfSystem(name: string): boolean {
	return /(?:^|\/)(?:__MACOSX\/|\._[^/]*$|\.DS_Store$)|\/$/.test(name);
}
