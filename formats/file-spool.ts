// A place for bodies too large for memory, beside formats that write a flow in one piece: a file without a name, gone with its last reader.
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BodySource, SLICE_BYTES } from "../src/flow/body.ts";
import type { BodySpool } from "../src/flow/pipe.ts";

const PIECE_BYTES = 1024 * 1024;

/** Closes files whose bodies nobody can ask for any more. */
const forgotten = new FinalizationRegistry(closeSync);

/** @throws Error of the file system */
export function openFileSpool(): BodySpool {
	const folder = mkdtempSync(join(tmpdir(), "flowtape-body-"));
	const file = openSync(join(folder, "body"), "wx+", 0o600);
	// an open file needs no name, but on Windows
	if (process.platform !== "win32") rmSync(folder, { recursive: true });
	let size = 0;
	return {
		write(chunk) {
			for (let at = 0; at < chunk.length; ) at += writeSync(file, chunk, at);
			size += chunk.length;
		},
		end() {
			const body = new FileBody(file, size);
			forgotten.register(body, file);
			return body;
		},
	};
}

class FileBody implements BodySource {
	readonly size: number;
	readonly #file: number;

	constructor(file: number, size: number) {
		this.#file = file;
		this.size = size;
	}

	read(): Buffer {
		return Buffer.concat([...this.chunks()], this.size);
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
