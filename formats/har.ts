// HAR 1.2, which browsers save and open: plain, compressed (`.har.gz`, `.zhar`), or a ZIP with the bodies in files of their own. Read and
// written entry by entry, so that its size does not matter. docs/formats.md says what of a flow it holds.
import type { Format } from "./format.ts";

export const har: Format = {
	name: "har",
	extensions: [".har", ".zhar", ".zip"],
	sniff: (head) => isZip(head) || /^(?:\xef\xbb\xbf)?\s*\{\s*"log"/.test(head.latin1Slice(0, Math.min(head.length, 4096))),
	async read(input, options) {
		const { HarSource } = await import("./har/source.ts");
		return new HarSource(input, options, isZip(await input.peek(4)));
	},
	async create(path, options) {
		if (path.toLowerCase().endsWith(".zip")) return (await import("./har/zip-sink.ts")).createHarZip(path, options);
		return (await import("./har/sink.ts")).createHar(path, options);
	},
};

/** A local header, or the end of an archive without files. */
function isZip(head: Buffer): boolean {
	return head.length >= 4 && [0x04034b50, 0x06054b50].includes(head.readUInt32LE(0));
}
