// HAR 1.2, which browsers save and open: plain, compressed (`.har.gz`, `.zhar`), or a ZIP with the bodies in files of their own. Read and
// written entry by entry, so that its size does not matter. docs/formats.md says what of a flow it holds.
import type { Format } from "./format.ts";
import { kindOf } from "./har/kind.ts";

/** Bytes by which the kind is told. */
const HEAD_BYTES = 4096;

export const har: Format = {
	name: "har",
	extensions: [".har", ".zhar", ".zip"],
	sniff: (head) => kindOf(head) !== null,
	async read(input, options) {
		const { HarSource } = await import("./har/source.ts");
		return new HarSource(input, options, kindOf(await input.peek(HEAD_BYTES)) ?? "log");
	},
	async create(path, options) {
		if (path.toLowerCase().endsWith(".zip")) return (await import("./har/zip-sink.ts")).createHarZip(path, options);
		return (await import("./har/sink.ts")).createHar(path, options);
	},
};
