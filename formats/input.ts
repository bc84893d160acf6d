// Opens files and stdin for reading, and decompresses and decodes them.
import { read } from "node:fs";
import { open, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { FlowtapeError, hasErrno } from "../src/errors.ts";
import type { FileBody } from "../src/flow/file-spool.ts";
import { closeReading, openForReading } from "../src/store/sqlite/open-files.ts";
import { createTemporaryFolder } from "../src/temporary-folder.ts";
import { type Compression, decompress, sniffCompression } from "./compression.ts";
import type { Input } from "./format.ts";
import { openOutput } from "./output.ts";

const CHUNK_BYTES = 256 * 1024;
/** Bytes needed to detect compression and UTF-16. */
const MAGIC_BYTES = 4;

const readAt = promisify(read);

/**
 * Opens a file, or stdin for `-`. gzip, zlib and zstd are decompressed, as a stream; UTF-16 is converted to UTF-8.
 * @param stdin the bytes of stdin, if they were read before
 * @throws FlowtapeError FT_NOT_FOUND, FT_IO, FT_CORRUPT_FLOW
 */
export async function openInput(path: string, stdin: FileBody | null = null): Promise<Input> {
	const input = path === "-" && stdin !== null ? spooledInput(stdin, "stdin") : await openBytes(path);
	try {
		const compression = sniffCompression(await input.peek(MAGIC_BYTES));
		const content = compression === null ? input : decompressed(input, compression);
		const charset = utf16Of(await content.peek(MAGIC_BYTES));
		return charset === null ? content : inUtf8(content, charset);
	} catch (error) {
		await input.close();
		throw error;
	}
}

async function openBytes(path: string): Promise<Input> {
	if (path === "-") return streamInput(process.stdin, "stdin", null);
	try {
		const info = await stat(path);
		if (info.isDirectory())
			throw new FlowtapeError("FT_IO", `${path}: expected a tape, found a folder`, { file: path });
		if (info.isFile()) return fileInput(openForReading(path), path, info.size);
		return streamInput((await open(path)).createReadStream({ highWaterMark: CHUNK_BYTES }), path, null);
	} catch (error) {
		throw inputError(path, error);
	}
}

function inputError(path: string, cause: unknown): unknown {
	if (hasErrno(cause, "ENOENT", "ENOTDIR"))
		return new FlowtapeError("FT_NOT_FOUND", `${path}: no such file`, { file: path, cause });
	if (hasErrno(cause, "EACCES", "EPERM"))
		return new FlowtapeError("FT_IO", `${path}: no permission to read it`, { file: path, cause });
	// such as ENXIO for a socket, ENAMETOOLONG, ELOOP
	if (cause instanceof Error && "syscall" in cause)
		return new FlowtapeError("FT_IO", `${path}: cannot be read: ${cause.message}`, { file: path, cause });
	return cause;
}

function fileInput(descriptor: number, path: string, size: number): Input {
	let done = 0;
	let isClosed = false;
	/** The read in progress. */
	let reading: Promise<unknown> = Promise.resolve();
	const readNext = (buffer: Buffer, position: number) => {
		const next = readAt(descriptor, buffer, 0, buffer.length, position);
		reading = next.catch(() => {});
		return next;
	};
	return {
		path,
		name: path,
		size,
		progress: () => ({ done, total: size }),
		peek: async (bytes) => {
			const { buffer, bytesRead } = await readNext(Buffer.alloc(bytes), 0);
			return buffer.subarray(0, bytesRead);
		},
		async *chunks({ reuse } = { reuse: false }) {
			let buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
			// the number of a closed descriptor may be that of another file
			while (!isClosed) {
				const { bytesRead } = await readNext(buffer, done);
				if (bytesRead === 0) return;
				done += bytesRead;
				yield buffer.subarray(0, bytesRead);
				if (!reuse) buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
			}
		},
		async close() {
			if (isClosed) return;
			isClosed = true;
			// a consumer that stops early may leave one
			await reading;
			closeReading(descriptor);
		},
	};
}

/** An input from a stream; peeked bytes are yielded again. */
function streamInput(stream: AsyncIterable<Buffer>, name: string, progress: Input["progress"] | null): Input {
	const iterator = stream[Symbol.asyncIterator]();
	let peeked: Buffer = Buffer.alloc(0);
	let failure: unknown = null;
	let done = 0;
	return {
		path: null,
		name,
		size: null,
		progress: progress ?? (() => ({ done, total: null })),
		async peek(size) {
			while (peeked.length < size && failure === null) {
				try {
					const { value, done } = await iterator.next();
					if (done) break;
					peeked = Buffer.concat([peeked, value]);
				} catch (error) {
					// return the bytes before the damage; `chunks` throws the error
					if (peeked.length === 0) throw error;
					failure = error;
					break;
				}
			}
			return peeked.subarray(0, size);
		},
		async *chunks() {
			done = peeked.length;
			if (peeked.length > 0) yield peeked;
			if (failure !== null) throw failure;
			for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
				done += next.value.length;
				yield next.value;
			}
		},
		async close() {
			await iterator.return?.();
		},
	};
}

/** The input of a spool, which stays open. */
function spooledInput(body: FileBody, name: string): Input {
	let done = 0;
	const chunks = async function* (): AsyncGenerator<Buffer> {
		for (const chunk of body.chunks()) {
			done += chunk.length;
			yield chunk;
		}
	};
	return streamInput(chunks(), name, () => ({ done, total: body.size }));
}

/** The decompressed input; its progress counts compressed bytes. */
function decompressed(input: Input, compression: Compression): Input {
	const inside = streamInput(decompress(input.chunks({ reuse: true }), compression, input.name), input.name, () =>
		input.progress(),
	);
	return {
		...inside,
		async close() {
			await inside.close();
			await input.close();
		},
	};
}

/** Detects UTF-16 by its byte order mark, or by the opening brace of JSON; null for anything else. */
function utf16Of(head: Buffer): "utf-16le" | "utf-16be" | null {
	if (head.length < 2) return null;
	const first = head.readUInt16BE(0);
	if (first === 0xfffe || first === 0x7b00) return "utf-16le";
	return first === 0xfeff || first === 0x007b ? "utf-16be" : null;
}

/** Converts UTF-16 to UTF-8: PowerShell redirects output in UTF-16. */
function inUtf8(input: Input, charset: "utf-16le" | "utf-16be"): Input {
	const chunks = async function* (): AsyncGenerator<Buffer> {
		const decoder = new TextDecoder(charset);
		for await (const chunk of input.chunks({ reuse: true })) yield Buffer.from(decoder.decode(chunk, { stream: true }));
		yield Buffer.from(decoder.decode());
	};
	return {
		...streamInput(chunks(), input.name, () => input.progress()),
		close: () => input.close(),
	};
}

/**
 * Returns a file with the bytes of an input: its own file, or a temporary copy for formats that cannot read a stream.
 * `remove` deletes the copy.
 */
export async function spool(input: Input): Promise<{ path: string; remove(): Promise<void> }> {
	if (input.path !== null) return { path: input.path, remove: async () => {} };
	const folder = await createTemporaryFolder("flowtape-");
	const remove = () => rm(folder, { recursive: true, force: true });
	const path = join(folder, "input");
	try {
		const output = await openOutput(path);
		for await (const chunk of input.chunks({ reuse: true })) await output.write(chunk);
		await output.close();
	} catch (error) {
		await remove();
		throw error;
	}
	return { path, remove };
}
