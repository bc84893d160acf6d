// Where a HAR and the bodies that it has in files of their own are: one file alone, a file and its folder, or a ZIP archive.
import { readFileSync, realpathSync } from "node:fs";
import { basename, dirname, resolve, sep } from "node:path";
import { FlowtapeError } from "../../src/errors.ts";
import type { Input } from "../format.ts";
import { spool } from "../input.ts";
import { ZipFile } from "./zip-file.ts";

export interface Place {
	/** The HAR; a chunk is good only until the next one is asked for. */
	chunks: AsyncIterable<Buffer>;
	/**
	 * A body by the name that an entry gives it.
	 * @throws Error when it cannot be read; FlowtapeError FT_CORRUPT_FLOW when it is damaged
	 */
	attachment(name: string): Buffer;
	close(): Promise<void>;
}

export async function openPlace(input: Input, isZip: boolean): Promise<Place> {
	if (isZip) return openZip(input);
	const { path } = input;
	return { chunks: input.chunks({ reuse: true }), attachment: (name) => readBeside(path, name), close: async () => {} };
}

function readBeside(path: string | null, name: string): Buffer {
	if (path === null) throw new Error("there are no files beside a stream");
	const folder = realpathSync(dirname(path));
	const file = realpathSync(resolve(folder, name));
	if (!file.startsWith(folder.endsWith(sep) ? folder : folder + sep)) throw new Error("it leads out of the folder");
	return readFileSync(file);
}

async function openZip(input: Input): Promise<Place> {
	const { path, remove } = await spool(input);
	try {
		const zip = new ZipFile(path, input.name);
		const name = [...zip.names].find((each) => basename(each).endsWith(".har"));
		if (name === undefined) throw new FlowtapeError("FT_UNKNOWN_FORMAT", `${input.name}: byte 0: this ZIP has no .har in it`, { file: input.name, offset: 0 });
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
