// HAR 1.2, the format of browsers: plain, compressed (`.har.gz`, `.zhar`), or a ZIP with bodies in separate files.
// Entries are streamed, so files may be larger than memory. docs/formats.md lists what is stored.
import type { Format } from "./format.ts";
import { kindOf } from "./har/kind.ts";

/** Bytes needed to detect the kind. */
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
