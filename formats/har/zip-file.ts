// Reads ZIP archives (PKWARE APPNOTE 6.3) with ZIP64: the central directory, and files as a whole or in chunks.
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { inflateRawSync } from "node:zlib";
import { crc32 } from "../../src/crc32.ts";
import { FlowtapeError } from "../../src/errors.ts";
import { type FileBody, openFileSpool } from "../../src/flow/file-spool.ts";
import { collectTransientBuffers } from "../../src/flow/young-buffers.ts";
import { decompress } from "../compression.ts";
import { BODY_LIMIT, LONG_BODY } from "./inflation.ts";

interface Entry {
	method: number;
	/** CRC-32 of the uncompressed file. */
	crc: number;
	/** Sizes with and without compression, in bytes. */
	packed: number;
	unpacked: number;
	/** Offset of the local header. */
	offset: number;
}

const END_SIGNATURE = 0x06054b50;
const END64_LOCATOR_SIGNATURE = 0x07064b50;
const END64_SIGNATURE = 0x06064b50;
const DIRECTORY_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;
const END_BYTES = 22;
const LONGEST_COMMENT = 0xffff;
/** Larger directories are considered damaged. */
const DIRECTORY_LIMIT = 256 * 1024 * 1024;
const CHUNK_BYTES = 1024 * 1024;
const STORED = 0;
const DEFLATED = 8;

/** The bytes of an archive. */
type Bytes = Pick<FileBody, "size" | "readAt" | "close">;

function bytesOf(path: string): Bytes {
	const file = openSync(path, "r");
	return {
		size: fstatSync(file).size,
		readAt: (target, position) => readSync(file, target, 0, target.length, position),
		close: () => closeSync(file),
	};
}

export class ZipFile {
	/** Name for messages. */
	readonly name: string;
	readonly #file: Bytes;
	readonly #entries = new Map<string, Entry>();

	/**
	 * @param file its path, or its bytes, which `close` closes
	 * @throws FlowtapeError FT_CORRUPT_FLOW
	 */
	constructor(file: string | Bytes, name: string) {
		this.name = name;
		this.#file = typeof file === "string" ? bytesOf(file) : file;
		try {
			this.#readDirectory();
		} catch (error) {
			this.#file.close();
			throw error;
		}
	}

	/** In bytes. */
	get size(): number {
		return this.#file.size;
	}

	close(): void {
		this.#file.close();
	}

	get names(): IterableIterator<string> {
		return this.#entries.keys();
	}

	has(name: string): boolean {
		return this.#entries.has(name);
	}

	/** Whether a file is too large for `read`, by its own statement. */
	isLarge(name: string): boolean {
		const entry = this.#entries.get(name);
		return entry !== undefined && Math.max(entry.unpacked, entry.method === STORED ? entry.packed : 0) > LONG_BODY;
	}

	/**
	 * Reads a whole file that is not large.
	 * @throws FlowtapeError FT_CORRUPT_FLOW if it is missing, damaged or larger than it says
	 */
	read(name: string): Buffer {
		const entry = this.#entry(name);
		if (entry.packed > 2 * LONG_BODY) throw this.#damage(entry.offset, `${name} is larger than ${2 * LONG_BODY} bytes`);
		const packed = this.#bytes(this.#dataOffset(entry), entry.packed);
		const bytes = entry.method === STORED ? packed : this.#inflated(name, entry, packed);
		if (crc32(bytes) !== entry.crc) throw this.#damage(entry.offset, `${name} is damaged: its checksum does not match`);
		return bytes;
	}

	#inflated(name: string, { offset }: Entry, packed: Buffer): Buffer {
		try {
			return inflateRawSync(packed, { maxOutputLength: LONG_BODY });
		} catch (cause) {
			throw this.#damage(offset, `${name} cannot be decompressed: ${(cause as Error).message}`);
		}
	}

	/**
	 * Reads a large file to a temporary one.
	 * @throws FlowtapeError FT_CORRUPT_FLOW if it is missing, damaged or larger than the limit for bodies
	 */
	async spool(name: string): Promise<FileBody> {
		const spool = openFileSpool();
		let size = 0;
		try {
			for await (const chunk of this.chunks(name)) {
				size += chunk.length;
				if (size > BODY_LIMIT)
					throw this.#damage(this.#entry(name).offset, `${name} is larger than ${BODY_LIMIT} bytes`);
				spool.write(chunk);
				collectTransientBuffers(chunk.length);
			}
		} catch (error) {
			spool.end().close();
			throw error;
		}
		return spool.end();
	}

	/** Reads a file of any size in chunks. The checksum is verified after the last chunk. */
	async *chunks(name: string): AsyncGenerator<Buffer> {
		const entry = this.#entry(name);
		const packed = this.#packed(entry);
		let crc = 0;
		for await (const chunk of entry.method === STORED
			? packed
			: decompress(packed, "deflate", `${this.name}: ${name}`)) {
			crc = crc32(chunk, crc);
			yield chunk;
		}
		if (crc !== entry.crc) throw this.#damage(entry.offset, `${name} is damaged: its checksum does not match`);
	}

	async *#packed(entry: Entry): AsyncGenerator<Buffer> {
		const start = this.#dataOffset(entry);
		for (let at = 0; at < entry.packed; at += CHUNK_BYTES)
			yield this.#bytes(start + at, Math.min(CHUNK_BYTES, entry.packed - at));
	}

	#entry(name: string): Entry {
		const entry = this.#entries.get(name);
		if (entry === undefined) throw this.#damage(0, `the archive has no file ${name}`);
		if (entry.method !== STORED && entry.method !== DEFLATED)
			throw this.#damage(entry.offset, `${name} has the unsupported compression method ${entry.method}`);
		return entry;
	}

	/** Offset of the data. The lengths in the local header may differ from those in the directory. */
	#dataOffset({ offset }: Entry): number {
		const header = this.#bytes(offset, 30);
		if (header.readUInt32LE(0) !== LOCAL_SIGNATURE) throw this.#damage(offset, "expected the header of a file");
		return offset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
	}

	#readDirectory(): void {
		const { entries, size, offset } = this.#findDirectory();
		if (size > DIRECTORY_LIMIT) throw this.#damage(offset, `the directory is larger than ${DIRECTORY_LIMIT} bytes`);
		const bytes = this.#bytes(offset, size);
		let at = 0;
		for (let i = 0; i < entries; i++) {
			if (at + 46 > bytes.length || bytes.readUInt32LE(at) !== DIRECTORY_SIGNATURE)
				throw this.#damage(offset + at, "expected an entry of the directory");
			const [nameBytes, extraBytes, commentBytes] = [
				bytes.readUInt16LE(at + 28),
				bytes.readUInt16LE(at + 30),
				bytes.readUInt16LE(at + 32),
			];
			const name = bytes.toString("utf8", at + 46, at + 46 + nameBytes);
			const extra = bytes.subarray(at + 46 + nameBytes, at + 46 + nameBytes + extraBytes);
			const sizes = {
				unpacked: bytes.readUInt32LE(at + 24),
				packed: bytes.readUInt32LE(at + 20),
				offset: bytes.readUInt32LE(at + 42),
			};
			this.#entries.set(name, {
				method: bytes.readUInt16LE(at + 10),
				crc: bytes.readUInt32LE(at + 16),
				...withZip64(sizes, extra),
			});
			at += 46 + nameBytes + extraBytes + commentBytes;
		}
	}

	#findDirectory(): { entries: number; size: number; offset: number } {
		const length = Math.min(this.size, END_BYTES + LONGEST_COMMENT);
		const tail = this.#bytes(this.size - length, length);
		for (let at = tail.length - END_BYTES; at >= 0; at--) {
			if (tail.readUInt32LE(at) !== END_SIGNATURE) continue;
			const end = {
				entries: tail.readUInt16LE(at + 10),
				size: tail.readUInt32LE(at + 12),
				offset: tail.readUInt32LE(at + 16),
			};
			const isZip64 = end.entries === 0xffff || end.size === 0xffffffff || end.offset === 0xffffffff;
			return isZip64 ? this.#findDirectory64(this.size - length + at - 20) : end;
		}
		throw this.#damage(this.size, "expected the end of a ZIP: the file is cut off, or not a ZIP");
	}

	#findDirectory64(locatorOffset: number): { entries: number; size: number; offset: number } {
		const locator = this.#bytes(locatorOffset, 20);
		if (locator.readUInt32LE(0) !== END64_LOCATOR_SIGNATURE)
			throw this.#damage(locatorOffset, "expected the locator of ZIP64");
		const endOffset = Number(locator.readBigUInt64LE(8));
		const end = this.#bytes(endOffset, 56);
		if (end.readUInt32LE(0) !== END64_SIGNATURE) throw this.#damage(endOffset, "expected the end record of ZIP64");
		return {
			entries: Number(end.readBigUInt64LE(32)),
			size: Number(end.readBigUInt64LE(40)),
			offset: Number(end.readBigUInt64LE(48)),
		};
	}

	/** Reads exactly `length` bytes. */
	#bytes(offset: number, length: number): Buffer {
		if (offset < 0 || length < 0 || offset + length > this.size)
			throw this.#damage(Math.min(Math.max(offset, 0), this.size), `expected ${length} bytes, found fewer`);
		const bytes = Buffer.allocUnsafeSlow(length);
		for (let at = 0; at < length; ) {
			const read = this.#file.readAt(bytes.subarray(at), offset + at);
			if (read === 0) throw this.#damage(offset + at, "the file became shorter while it was read");
			at += read;
		}
		return bytes;
	}

	#damage(offset: number, what: string): FlowtapeError {
		return new FlowtapeError("FT_CORRUPT_FLOW", `${this.name}: byte ${offset}: ${what}`, { file: this.name, offset });
	}
}

/** Reads 64-bit sizes. A 32-bit field of 0xffffffff has its value in extra field 1, in the order of the fields. */
function withZip64(
	sizes: { unpacked: number; packed: number; offset: number },
	extra: Buffer,
): { packed: number; unpacked: number; offset: number } {
	for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
		if (extra.readUInt16LE(at) !== 1) continue;
		let next = at + 4;
		const large = (value: number): number => {
			if (value !== 0xffffffff || next + 8 > extra.length) return value;
			next += 8;
			return Number(extra.readBigUInt64LE(next - 8));
		};
		return { unpacked: large(sizes.unpacked), packed: large(sizes.packed), offset: large(sizes.offset) };
	}
	return sizes;
}
