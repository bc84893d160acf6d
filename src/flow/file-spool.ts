// A spool for bodies that are too large for memory and not stored elsewhere: a temporary file. The file has no name, so
// that the system deletes it when it is closed, or when the process dies.
import { randomUUID } from "node:crypto";
import { closeSync, openSync, readSync, unlinkSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BodySource, SLICE_BYTES } from "./body.ts";
import { allocateBytes } from "./bytes.ts";
import type { BodySpool } from "./sink.ts";

const PIECE_BYTES = 1024 * 1024;

/** Closes the file of a body, or of a spool without an end, once that is garbage-collected. */
const registry = new FinalizationRegistry(closeSync);

export interface FileSpool extends BodySpool {
	end(): FileBody;
}

/**
 * Creates the temporary file of a spool.
 * @throws Error of the file system
 */
export function openFileSpool(): FileSpool {
	const path = join(tmpdir(), `flowtape-body-${randomUUID()}`);
	const file = openSync(path, "wx+", 0o600);
	// Windows allows this too, because Node opens files with FILE_SHARE_DELETE
	unlinkSync(path);
	let size = 0;
	const spool: FileSpool = {
		write(chunk) {
			for (let at = 0; at < chunk.length; ) at += writeSync(file, chunk, at);
			size += chunk.length;
		},
		end() {
			registry.unregister(spool);
			return new FileBody(file, size);
		},
	};
	registry.register(spool, file, spool);
	return spool;
}

export class FileBody implements BodySource {
	readonly size: number;
	readonly #file: number;

	constructor(file: number, size: number) {
		this.#file = file;
		this.size = size;
		registry.register(this, file, this);
	}

	/** Closes the file without waiting for garbage collection. Call it once, when nothing reads the body any more. */
	close(): void {
		registry.unregister(this);
		closeSync(this.#file);
	}

	read(): Buffer {
		const body = allocateBytes(this.size);
		for (let at = 0; at < this.size; ) {
			const read = readSync(this.#file, body, at, this.size - at, at);
			if (read === 0) return body.subarray(0, at);
			at += read;
		}
		return body;
	}

	chunks(): Iterable<Buffer> {
		return this.#pieces(PIECE_BYTES);
	}

	slices(): Iterable<Buffer> {
		return this.#pieces(SLICE_BYTES);
	}

	*#pieces(length: number): Iterable<Buffer> {
		for (let at = 0; at < this.size; ) {
			const piece = Buffer.allocUnsafe(Math.min(length, this.size - at));
			const read = readSync(this.#file, piece, 0, piece.length, at);
			if (read === 0) return;
			at += read;
			yield piece.subarray(0, read);
		}
	}
}
