// Checks that flows can be appended to an existing file: it must have the format and the compression that its name
// says, and must not be damaged.
import { open, stat } from "node:fs/promises";
import { FlowtapeError } from "../src/errors.ts";
import { compressionOf, sniffCompression } from "./compression.ts";
import { openInput } from "./input.ts";

const HEAD_BYTES = 4096;

/**
 * Checks the file at `path`; a missing or empty file passes.
 * @param isOfFormat whether a file whose decompressed content begins with these bytes has the format to append
 * @throws FlowtapeError FT_USAGE if readers could not read appended flows
 */
export async function checkAppendable(path: string, isOfFormat: (head: Buffer) => boolean): Promise<void> {
	const refused = (why: string) =>
		new FlowtapeError("FT_USAGE", `${path}: flows cannot be appended: ${why}; record to another file`, { file: path });
	const compression = compressionOf(path);
	const head = await beginning(path);
	if (head.length === 0) return;
	const found = sniffCompression(head);
	if (found !== compression)
		throw refused(`expected ${compression ?? "uncompressed"} data by its name, found ${found ?? "uncompressed"} data`);
	const input = await openInput(path);
	try {
		if (!isOfFormat(await input.peek(HEAD_BYTES))) throw refused("its content has another format than its name says");
		// UTF-16 is decoded as a stream, which has no path
		if (compression === null && input.path === null) throw refused("expected UTF-8, found UTF-16");
		// decompressors stop at damage or a missing end, so read to the end
		if (compression !== null) for await (const _ of input.chunks({ reuse: true }));
	} catch (error) {
		if (FlowtapeError.is(error, "FT_CORRUPT_FLOW")) throw refused(`its ${compression} data is damaged or cut off`);
		throw error;
	} finally {
		await input.close();
	}
}

/**
 * The first bytes of a file. Empty if the file does not exist or cannot be read: opening it for writing then reports
 * the error.
 */
async function beginning(path: string): Promise<Buffer> {
	try {
		if (!(await stat(path)).isFile()) return Buffer.alloc(0);
		const file = await open(path);
		try {
			const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
			return buffer.subarray(0, bytesRead);
		} finally {
			await file.close();
		}
	} catch {
		return Buffer.alloc(0);
	}
}
