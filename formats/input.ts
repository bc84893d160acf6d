// Where flows are read from: a file in large pieces, or stdin.
import { open } from "node:fs/promises";
import { FlowtapeError, hasErrno } from "../src/errors.ts";
import type { Input } from "./format.ts";

const CHUNK_BYTES = 256 * 1024;

/** @throws FlowtapeError FT_NOT_FOUND, FT_IO */
export async function openInput(path: string): Promise<Input> {
	if (path === "-") return streamInput(process.stdin, "stdin");
	try {
		const file = await open(path);
		const info = await file.stat();
		if (info.isDirectory()) {
			await file.close();
			throw new FlowtapeError("FT_IO", `${path}: a tape was expected, this is a folder`, { file: path });
		}
		if (!info.isFile()) return streamInput(file.createReadStream({ highWaterMark: CHUNK_BYTES }), path);
		return {
			path,
			name: path,
			size: info.size,
			peek: async (size) => {
				const { buffer, bytesRead } = await file.read(Buffer.alloc(size), 0, size, 0);
				return buffer.subarray(0, bytesRead);
			},
			async *chunks() {
				for (let at = 0; ; ) {
					// a fresh buffer each time: bodies of flows are views into it
					const { buffer, bytesRead } = await file.read(Buffer.allocUnsafeSlow(CHUNK_BYTES), 0, CHUNK_BYTES, at);
					if (bytesRead === 0) return;
					at += bytesRead;
					yield buffer.subarray(0, bytesRead);
				}
			},
			close: () => file.close(),
		};
	} catch (error) {
		throw inputError(path, error);
	}
}

function inputError(path: string, cause: unknown): unknown {
	if (hasErrno(cause, "ENOENT", "ENOTDIR")) return new FlowtapeError("FT_NOT_FOUND", `${path}: no such file`, { file: path, cause });
	if (hasErrno(cause, "EACCES", "EPERM")) return new FlowtapeError("FT_IO", `${path}: no permission to read it`, { file: path, cause });
	return cause;
}

/** Chunks from a stream; what was peeked at comes again. */
function streamInput(stream: AsyncIterable<Buffer>, name: string): Input {
	const iterator = stream[Symbol.asyncIterator]();
	let peeked: Buffer = Buffer.alloc(0);
	return {
		path: null,
		name,
		size: null,
		async peek(size) {
			while (peeked.length < size) {
				const { value, done } = await iterator.next();
				if (done) break;
				peeked = Buffer.concat([peeked, value]);
			}
			return peeked.subarray(0, size);
		},
		async *chunks() {
			if (peeked.length > 0) yield peeked;
			for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
		},
		async close() {
			await iterator.return?.();
		},
	};
}
