// Opens a HAR and its separate bodies: a single file, a file and its folder, or a ZIP archive.
import { closeSync, openSync, readFileSync, readSync, realpathSync, statSync } from "node:fs";
import { dirname, resolve, sep } from "node:path";
import { FlowtapeError } from "../../src/errors.ts";
import type { Body } from "../../src/flow/body.ts";
import { openFileSpool } from "../../src/flow/file-spool.ts";
import type { Input } from "../format.ts";
import { spool } from "../input.ts";
import { BODY_LIMIT, LONG_BODY } from "./inflation.ts";
import { ZipFile } from "./zip-file.ts";

type StoredBody = Exclude<Body, null>;

export interface HarFiles {
	/** The HAR; a chunk is valid only until the next one. */
	chunks: AsyncIterable<Buffer>;
	/** Call before the bodies with these names are read: large ones are decompressed to temporary files. */
	prepare?(names: readonly string[]): Promise<void>;
	/**
	 * Reads a body by its name in an entry.
	 * @throws Error if it cannot be read; FlowtapeError FT_CORRUPT_FLOW if it is damaged
	 */
	attachment(name: string): StoredBody;
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

function readBeside(path: string | null, name: string): StoredBody {
	if (path === null) throw new Error("a stream has no files beside it");
	const folder = realpathSync(dirname(path));
	const file = realpathSync(resolve(folder, name));
	if (!file.startsWith(folder.endsWith(sep) ? folder : folder + sep))
		throw new Error("its path leads out of the folder");
	const stats = statSync(file);
	if (!stats.isFile()) throw new Error("it is not a file");
	if (stats.size > BODY_LIMIT) throw new Error(`it is larger than ${BODY_LIMIT} bytes`);
	return stats.size > LONG_BODY ? copyOf(file) : readFileSync(file);
}

/** Copies a large file to a temporary one, because its body may be read later. */
function copyOf(path: string): StoredBody {
	const spool = openFileSpool();
	const file = openSync(path, "r");
	try {
		const piece = Buffer.allocUnsafe(PIECE_BYTES);
		for (let read = -1; read !== 0; ) {
			read = readSync(file, piece);
			spool.write(piece.subarray(0, read));
		}
	} finally {
		closeSync(file);
	}
	return spool.end();
}

const PIECE_BYTES = 1024 * 1024;

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
		/** The large bodies of the current entry, or why they cannot be read. */
		const large = new Map<string, StoredBody | Error>();
		return {
			chunks: zip.chunks(name),
			async prepare(files) {
				for (const file of large.keys()) if (!files.includes(file)) large.delete(file);
				for (const file of files)
					if (zip.isLarge(file) && !large.has(file))
						large.set(file, await zip.spool(file).catch((error: Error) => error));
			},
			attachment(file) {
				read.add(file);
				const body = large.get(file) ?? zip.read(file);
				if (body instanceof Error) throw body;
				return body;
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
