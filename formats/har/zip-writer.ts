// Writes ZIP archives (PKWARE APPNOTE 6.3) file by file. A file must be below 4 GiB; the archive may be larger (ZIP64).
import type { Output } from "../output.ts";

/** A deflated file. */
export interface Packed {
	crc: number;
	/** Sizes before and after compression, in bytes. */
	unpacked: number;
	packed: number;
}

/** Bytes to buffer before a write. Buffering pays because headers are short. */
const GATHERED_BYTES = 256 * 1024;
const NAMES_ARE_UTF8 = 0x0800;
const DEFLATED = 8;
const VERSION = 45;
/** 1 January 1980, the earliest date. Constant, so that the same flows give the same archive. */
const DATE = 0x21;
const MAX32 = 0xffffffff;
const MAX16 = 0xffff;

export class ZipWriter {
	readonly #output: Output;
	readonly #directory: Buffer[] = [];
	#offset = 0;
	#gathered: Buffer[] = [];
	#gatheredBytes = 0;

	constructor(output: Output) {
		this.#output = output;
	}

	async add(name: string, packed: Packed, chunks: Iterable<Buffer> | AsyncIterable<Buffer>): Promise<void> {
		this.#directory.push(directoryEntry(name, packed, this.#offset));
		await this.#write(localHeader(name, packed));
		for await (const chunk of chunks) await this.#write(chunk);
	}

	/** Completes the archive: writes the central directory and the end records. */
	async end(): Promise<void> {
		const start = this.#offset;
		for (const entry of this.#directory) await this.#write(entry);
		await this.#write(endRecords(this.#directory.length, this.#offset - start, start));
		await this.#flush();
	}

	async #write(bytes: Buffer): Promise<void> {
		if (bytes.length >= GATHERED_BYTES && this.#gathered.length > 0) await this.#flush();
		this.#offset += bytes.length;
		this.#gathered.push(bytes);
		this.#gatheredBytes += bytes.length;
		if (this.#gatheredBytes >= GATHERED_BYTES) await this.#flush();
	}

	#flush(): Promise<void> {
		const bytes = this.#gathered.length === 1 ? (this.#gathered[0] as Buffer) : Buffer.concat(this.#gathered);
		this.#gathered = [];
		this.#gatheredBytes = 0;
		return this.#output.write(bytes);
	}
}

/** Encodes numbers of two, four or eight bytes in sequence. */
function numbers(...list: readonly (readonly [bytes: 2 | 4 | 8, value: number])[]): Buffer {
	const buffer = Buffer.alloc(list.reduce((size, [bytes]) => size + bytes, 0));
	let at = 0;
	for (const [bytes, value] of list) {
		if (bytes === 8) buffer.writeBigUInt64LE(BigInt(value), at);
		else buffer.writeUIntLE(value, at, bytes);
		at += bytes;
	}
	return buffer;
}

/** The fields that the local header and the central directory share. */
function sharedHeaderFields(name: Buffer, { crc, packed, unpacked }: Packed, extraBytes: number): Buffer {
	return numbers(
		...([
			[2, VERSION],
			[2, NAMES_ARE_UTF8],
			[2, DEFLATED],
			[2, 0],
			[2, DATE],
		] as const),
		...([
			[4, crc],
			[4, packed],
			[4, unpacked],
			[2, name.length],
			[2, extraBytes],
		] as const),
	);
}

function localHeader(name: string, packed: Packed): Buffer {
	const bytes = Buffer.from(name);
	return Buffer.concat([numbers([4, 0x04034b50]), sharedHeaderFields(bytes, packed, 0), bytes]);
}

function directoryEntry(name: string, packed: Packed, offset: number): Buffer {
	const bytes = Buffer.from(name);
	const extra = offset < MAX32 ? Buffer.alloc(0) : numbers([2, 1], [2, 8], [8, offset]);
	const rest = numbers([2, 0], [2, 0], [2, 0], [4, 0], [4, Math.min(offset, MAX32)]);
	return Buffer.concat([
		numbers([4, 0x02014b50], [2, VERSION]),
		sharedHeaderFields(bytes, packed, extra.length),
		rest,
		bytes,
		extra,
	]);
}

function endRecords(entries: number, size: number, offset: number): Buffer {
	const end = numbers(
		...([
			[4, 0x06054b50],
			[2, 0],
			[2, 0],
			[2, Math.min(entries, MAX16)],
			[2, Math.min(entries, MAX16)],
		] as const),
		...([
			[4, Math.min(size, MAX32)],
			[4, Math.min(offset, MAX32)],
			[2, 0],
		] as const),
	);
	if (entries < MAX16 && size < MAX32 && offset < MAX32) return end;
	const end64 = numbers(
		...([
			[4, 0x06064b50],
			[8, 44],
			[2, VERSION],
			[2, VERSION],
			[4, 0],
			[4, 0],
		] as const),
		...([
			[8, entries],
			[8, entries],
			[8, size],
			[8, offset],
		] as const),
	);
	return Buffer.concat([end64, numbers([4, 0x07064b50], [4, 0], [8, offset + size], [4, 1]), end]);
}
