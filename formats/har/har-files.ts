// Opens a HAR and its separate bodies: a single file, a file and its folder, or a ZIP archive.
import { closeSync, openSync, readFileSync, readSync, realpathSync, statSync } from "node:fs";
import { dirname, resolve, sep } from "node:path";
import { FlowtapeError } from "../../src/errors.ts";
import { type Body, bodySize } from "../../src/flow/body.ts";
import { openFileSpool, spoolStream } from "../../src/flow/file-spool.ts";
import { RecentMap } from "../../src/flow/recent-map.ts";
import type { Input } from "../format.ts";
import { BODY_LIMIT, BYTES_PER_BYTE, LONG_BODY } from "./inflation.ts";
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
/** Bodies of an archive that are kept in memory, because several entries may have the same one. Bytes. */
const RECENT_BYTES = 2 * LONG_BODY;
/** Large bodies whose temporary files are kept. */
const RECENT_FILES = 4;
/**
 * Total size of the bodies of all entries that is always allowed. Entries may share a body, so an archive of kilobytes
 * can expand to any size. Bytes.
 */
const FREE_BYTES = 4 * 1024 ** 3;

async function openZip(input: Input): Promise<HarFiles> {
	const zip = new ZipFile(input.path ?? (await spoolStream(input.chunks({ reuse: true }))), input.name);
	try {
		const names = [...zip.names].filter((each) => !isOfSystem(each));
		const name = names.find((each) => each.endsWith(".har"));
		if (name === undefined)
			throw new FlowtapeError("FT_UNKNOWN_FORMAT", `${input.name}: byte 0: expected a .har in the ZIP, found none`, {
				file: input.name,
				offset: 0,
			});
		const read = new Set([name]);
		const recent = new RecentMap<string, StoredBody>(RECENT_BYTES, (body) => bodySize(body) ?? 0);
		/** The large bodies of recent entries, or why they cannot be read. */
		const large = new RecentMap<string, StoredBody | Error>(RECENT_FILES);
		const limit = FREE_BYTES + BYTES_PER_BYTE * zip.size;
		let expanded = 0;
		const bodyOf = (file: string): StoredBody => {
			const known = large.get(file) ?? recent.get(file);
			if (known instanceof Error) throw known;
			const body = known ?? zip.read(file);
			if (known === undefined) recent.set(file, body);
			return body;
		};
		return {
			chunks: zip.chunks(name),
			async prepare(files) {
				for (const file of files)
					if (expanded < limit && zip.isLarge(file) && large.get(file) === undefined)
						large.set(file, await zip.spool(file).catch((error: Error) => error));
			},
			attachment(file) {
				read.add(file);
				if (expanded >= limit) throw new Error(`the bodies of all entries have more than ${limit} bytes`);
				const body = bodyOf(file);
				expanded += bodySize(body) ?? 0;
				return body;
			},
			unread: () => names.filter((each) => !read.has(each)),
			close: async () => zip.close(),
		};
	} catch (error) {
		zip.close();
		throw error;
	}
}

/** Folders, and files that macOS adds to an archive. */
function isOfSystem(name: string): boolean {
	return /(?:^|\/)(?:__MACOSX\/|\._[^/]*$|\.DS_Store$)|\/$/.test(name);
}
