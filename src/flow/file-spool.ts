// A spool for bodies that are too large for memory and not stored elsewhere: a temporary file. The file has no name, so
// that the system deletes it when it is closed, or when the process dies. It is encrypted, because the disk keeps the
// bytes of deleted files, and bodies hold secrets.
import { type Cipher, createCipheriv, randomBytes, randomUUID } from "node:crypto";
import { closeSync, openSync, readSync, unlinkSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BodySource, SLICE_BYTES } from "./body.ts";
import { allocateBytes } from "./bytes.ts";
import type { BodySpool } from "./sink.ts";
import { collectTransientBuffers } from "./young-buffers.ts";

const PIECE_BYTES = 1024 * 1024;

/** The key of this process's spools. It is only in memory. */
const KEY = randomBytes(16);
const IV_BYTES = 16;

/** Encrypts or decrypts the bytes of a spool, from its beginning: in counter mode both are the same. */
function cipherOf(iv: Buffer): Cipher {
	return createCipheriv("aes-128-ctr", KEY, iv);
}

const BLOCK_BYTES = 16;

/** The counter of a block: the initialization vector is that of the first one. */
function counterOf(iv: Buffer, block: number): Buffer {
	const counter = BigInt.asUintN(8 * IV_BYTES, BigInt(`0x${iv.toString("hex")}`) + BigInt(block));
	return Buffer.from(counter.toString(16).padStart(2 * IV_BYTES, "0"), "hex");
}

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
	const iv = randomBytes(IV_BYTES);
	const cipher = cipherOf(iv);
	let size = 0;
	const spool: FileSpool = {
		write(chunk) {
			const coded = cipher.update(chunk);
			for (let at = 0; at < coded.length; ) at += writeSync(file, coded, at);
			collectTransientBuffers(coded.length);
			size += chunk.length;
		},
		end() {
			registry.unregister(spool);
			return new FileBody(file, size, iv);
		},
	};
	registry.register(spool, file, spool);
	return spool;
}

/** Writes a stream to a temporary file. */
export async function spoolStream(stream: AsyncIterable<Buffer>): Promise<FileBody> {
	const spool = openFileSpool();
	try {
		for await (const chunk of stream) spool.write(chunk);
	} catch (error) {
		spool.end().close();
		throw error;
	}
	return spool.end();
}

export class FileBody implements BodySource {
	readonly size: number;
	readonly #file: number;
	readonly #iv: Buffer;

	/** @param iv the initialization vector with which the file is encrypted */
	constructor(file: number, size: number, iv: Buffer) {
		this.#file = file;
		this.size = size;
		this.#iv = iv;
		registry.register(this, file, this);
	}

	/** Closes the file without waiting for garbage collection. Call it once, when nothing reads the body any more. */
	close(): void {
		registry.unregister(this);
		closeSync(this.#file);
	}

	/** Reads bytes from any position. Returns their number: fewer than `target` has only at the end. */
	readAt(target: Buffer, position: number): number {
		const before = position % BLOCK_BYTES;
		const coded = Buffer.allocUnsafe(before + target.length);
		const read = readSync(this.#file, coded, 0, coded.length, position - before);
		if (read < before) return 0;
		const cipher = cipherOf(counterOf(this.#iv, (position - before) / BLOCK_BYTES));
		return cipher.update(coded.subarray(0, read)).copy(target, 0, before);
	}

	read(): Buffer {
		const body = allocateBytes(this.size);
		let at = 0;
		for (const piece of this.#pieces(PIECE_BYTES)) at += piece.copy(body, at);
		return body.subarray(0, at);
	}

	chunks(): Iterable<Buffer> {
		return this.#pieces(PIECE_BYTES);
	}

	slices(): Iterable<Buffer> {
		return this.#pieces(SLICE_BYTES);
	}

	*#pieces(length: number): Iterable<Buffer> {
		const cipher = cipherOf(this.#iv);
		const coded = Buffer.allocUnsafe(Math.min(length, this.size));
		for (let at = 0; at < this.size; ) {
			const read = readSync(this.#file, coded, 0, Math.min(coded.length, this.size - at), at);
			if (read === 0) return;
			at += read;
			collectTransientBuffers(read);
			yield cipher.update(coded.subarray(0, read));
		}
	}
}
