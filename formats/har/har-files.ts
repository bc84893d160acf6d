// Opens a HAR and its separate bodies: a single file, a file and its folder, or a ZIP archive.
import { readFileSync, realpathSync } from "node:fs";
import { basename, dirname, resolve, sep } from "node:path";
import { FlowtapeError } from "../../src/errors.ts";
import type { Input } from "../format.ts";
import { spool } from "../input.ts";
import { ZipFile } from "./zip-file.ts";

export interface HarFiles {
	/** The HAR; a chunk is valid only until the next one. */
	chunks: AsyncIterable<Buffer>;
	/**
	 * Reads a body by its name in an entry.
	 * @throws Error if it cannot be read; FlowtapeError FT_CORRUPT_FLOW if it is damaged
	 */
	attachment(name: string): Buffer;
	close(): Promise<void>;
}

export async function openHarFiles(input: Input, isZip: boolean): Promise<HarFiles> {
	if (isZip) return openZip(input);
	const { path } = input;
	return { chunks: input.chunks({ reuse: true }), attachment: (name) => readBeside(path, name), close: async () => {} };
}

function readBeside(path: string | null, name: string): Buffer {
	if (path === null) throw new Error("a stream has no files beside it");
	const folder = realpathSync(dirname(path));
	const file = realpathSync(resolve(folder, name));
	if (!file.startsWith(folder.endsWith(sep) ? folder : folder + sep))
		throw new Error("its path leads out of the folder");
	return readFileSync(file);
}

async function openZip(input: Input): Promise<HarFiles> {
	const { path, remove } = await spool(input);
	try {
		const zip = new ZipFile(path, input.name);
		const name = [...zip.names].find((each) => basename(each).endsWith(".har"));
		if (name === undefined)
			throw new FlowtapeError("FT_UNKNOWN_FORMAT", `${input.name}: byte 0: expected a .har in the ZIP, found none`, {
				file: input.name,
				offset: 0,
			});
		return {
			chunks: zip.chunks(name),
			attachment: (file) => zip.read(file),
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
