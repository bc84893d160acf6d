// What flows are added to has to be what they are written as, and whole: whoever reads the file goes by how it begins.
import { open, stat } from "node:fs/promises";
import { FlowtapeError } from "../src/errors.ts";
import { compressionOf, sniffCompression } from "./compression.ts";
import { openInput } from "./input.ts";

const HEAD_BYTES = 4096;

/**
 * Looks at the file that flows are going to be added to, if there is one.
 * @param isOfFormat whether what begins like this, decompressed, is of the format of these flows
 * @throws FlowtapeError FT_USAGE where what is added could not be read behind what is there
 */
export async function refuseUnaddable(path: string, isOfFormat: (head: Buffer) => boolean): Promise<void> {
	const refused = (why: string) => new FlowtapeError("FT_USAGE", `${path}: cannot be added to: ${why}; record to another file`, { file: path });
	const compression = compressionOf(path);
	const head = await beginning(path);
	if (head.length === 0) return;
	const found = sniffCompression(head);
	if (found !== compression) throw refused(`its content is ${found ?? "not compressed"}, its name says ${compression ?? "that it is not compressed"}`);
	const input = await openInput(path);
	try {
		if (!isOfFormat(await input.peek(HEAD_BYTES))) throw refused("its content is of another format than its name says");
		// text in UTF-16 is read as a stream
		if (compression === null && input.path === null) throw refused("it is not in UTF-8");
		// behind data without an end nothing can be found
		if (compression !== null) for await (const _ of input.chunks({ reuse: true }));
	} catch (error) {
		if (error instanceof FlowtapeError && error.code === "FT_CORRUPT_FLOW") throw refused(`its ${compression} data is damaged or has no end`);
		throw error;
	} finally {
		await input.close();
	}
}

/** The first bytes of a file; none where there is no file, or one that only whoever opens it for writing can tell of. */
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
