// The pages of a SQLite file and its write-ahead log as SQLite reads them: a page in the log replaces the one in the
// file (https://sqlite.org/fileformat2.html).
import { fstatSync, readSync } from "node:fs";

const MAGIC = "SQLite format 3\0";
const LOG_HEADER = 32;
const FRAME_HEADER = 24;
const LOG_VERSION = 3007000;

export class Pages {
	/** Bytes in a page; 0 if the file is not a SQLite file. */
	readonly size: number;
	/** The number of pages in the file and the log. */
	readonly count: number;
	readonly #file: number | Buffer;
	readonly #log: Log | null;
	readonly #bytes: Buffer;

	/**
	 * @param file file descriptor of the SQLite file, or its bytes
	 * @param log file descriptor of its write-ahead log, if it has one
	 */
	constructor(file: number | Buffer, log: number | undefined) {
		this.#file = file;
		this.#log = log === undefined ? null : readLog(log);
		const header = Buffer.alloc(100);
		readFrom(file, header, header.length, 0);
		this.size = this.#log?.pageSize ?? pageSizeIn(header);
		this.#bytes = Buffer.alloc(this.size);
		this.count = this.size === 0 ? 0 : Math.ceil(sizeOf(file) / this.size) + (this.#log?.frames ?? 0);
	}

	/** A page of which only the beginning was read, with zeros for what is not there. Valid until the next call. */
	read(page: number, length: number): Buffer {
		const inLog = this.#log?.positions.get(page);
		const [file, at] = inLog ?? [this.#file, (page - 1) * this.size];
		const read = readFrom(file, this.#bytes, length, at);
		if (read < length) this.#bytes.fill(0, read, length);
		return this.#bytes;
	}
}

function sizeOf(file: number | Buffer): number {
	return typeof file === "number" ? fstatSync(file).size : file.length;
}

/** Reads bytes into the beginning of `target`. Returns how many there were. */
function readFrom(file: number | Buffer, target: Buffer, length: number, at: number): number {
	return typeof file === "number" ? readSync(file, target, 0, length, at) : file.copy(target, 0, at, at + length);
}

/** The page size in the header of a SQLite file; 0 if it is not one. */
export function pageSizeIn(header: Buffer): number {
	const stored = header.readUInt16BE(16);
	const size = stored === 1 ? 65_536 : stored;
	return header.latin1Slice(0, 16) === MAGIC && isPageSize(size) ? size : 0;
}

function isPageSize(size: number): boolean {
	return size >= 512 && size <= 65_536 && (size & (size - 1)) === 0;
}

/** The committed pages of a write-ahead log. */
interface Log {
	readonly pageSize: number;
	/** The number of valid frames, each with one page. */
	readonly frames: number;
	/** For each page, the file and the position of its newest version. */
	readonly positions: ReadonlyMap<number, [file: number, at: number]>;
}

/** Reads a log up to the last commit; null: nothing in it is valid. */
function readLog(file: number): Log | null {
	const header = Buffer.alloc(LOG_HEADER);
	if (readSync(file, header, 0, LOG_HEADER, 0) < LOG_HEADER) return null;
	const magic = header.readUInt32BE(0);
	const size = header.readUInt32BE(8);
	const sum = new Checksum((magic & 1) === 0);
	sum.add(header, 0, 24);
	if (magic >>> 1 !== 0x377f0682 >>> 1 || header.readUInt32BE(4) !== LOG_VERSION || !isPageSize(size)) return null;
	if (!sum.isAt(header, 24)) return null;
	const positions = new Map<number, [file: number, at: number]>();
	let pending: [page: number, at: number][] = [];
	let frames = 0;
	const frame = Buffer.alloc(FRAME_HEADER + size);
	for (let at = LOG_HEADER; readSync(file, frame, 0, frame.length, at) === frame.length; at += frame.length) {
		const page = frame.readUInt32BE(0);
		sum.add(frame, 0, 8);
		sum.add(frame, FRAME_HEADER, frame.length);
		// frames of an older log have other salts
		if (page === 0 || frame.compare(header, 16, 24, 8, 16) !== 0 || !sum.isAt(frame, 16)) break;
		frames++;
		pending.push([page, at + FRAME_HEADER]);
		const isCommitted = frame.readUInt32BE(4) !== 0;
		if (!isCommitted) continue;
		for (const [number, position] of pending) positions.set(number, [file, position]);
		pending = [];
	}
	return positions.size === 0 ? null : { pageSize: size, frames, positions };
}

/** The checksum of a write-ahead log. */
class Checksum {
	readonly #isLittleEndian: boolean;
	#first = 0;
	#second = 0;

	constructor(isLittleEndian: boolean) {
		this.#isLittleEndian = isLittleEndian;
	}

	/** Adds bytes, a multiple of 8. */
	add(bytes: Buffer, from: number, to: number): void {
		const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
		const isLittleEndian = this.#isLittleEndian;
		let [first, second] = [this.#first, this.#second];
		for (let at = from; at < to; at += 8) {
			first = (first + view.getInt32(at, isLittleEndian) + second) | 0;
			second = (second + view.getInt32(at + 4, isLittleEndian) + first) | 0;
		}
		this.#first = first;
		this.#second = second;
	}

	/** Whether it is stored at a position. */
	isAt(bytes: Buffer, at: number): boolean {
		return bytes.readInt32BE(at) === this.#first && bytes.readInt32BE(at + 4) === this.#second;
	}
}
