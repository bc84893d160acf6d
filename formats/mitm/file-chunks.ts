// Reads a file in chunks. Reads the next chunk while the caller processes the current one.
import { type FileHandle, open } from "node:fs/promises";

const CHUNK_BYTES = 512 * 1024;

export interface ChunkOptions {
	/** A chunk is valid only until the next one, so that two buffers suffice. */
	reuse: boolean;
}

/** All bytes of the file, in order. */
export async function* fileChunks(path: string, { reuse }: ChunkOptions): AsyncGenerator<Buffer> {
	const file = await open(path);
	let [current, other] = [allocate(), allocate()];
	let next = read(file, current);
	try {
		for (;;) {
			const chunk = await next;
			if (chunk.length === 0) return;
			[current, other] = [other, reuse ? current : allocate()];
			next = read(file, current);
			yield chunk;
		}
	} finally {
		await next.catch(() => {});
		await file.close();
	}
}

function allocate(): Buffer {
	return Buffer.allocUnsafeSlow(CHUNK_BYTES);
}

/** Reads a chunk. The caller awaits the promise later, so its rejection is marked as handled. */
function read(file: FileHandle, buffer: Buffer): Promise<Buffer> {
	const chunk = file.read(buffer, 0, buffer.length, null).then(({ bytesRead }) => buffer.subarray(0, bytesRead));
	chunk.catch(() => {});
	return chunk;
}
