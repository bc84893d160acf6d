// mitmproxy dumps: concatenated typed netstrings, one per flow. Reads every version; writes those that mitmproxy 8 and
// later can load.
import type { Format } from "./format.ts";

export const mitm: Format = {
	name: "mitm",
	extensions: [".mitm", ".flow", ".flows", ".dump"],
	isOpenEnded: true,
	sniff: (head) => /^\d{1,12}:/.test(head.latin1Slice(0, Math.min(head.length, 13))),
	read: async (input, options) => new (await import("./mitm/source.ts")).DumpSource(input, options),
	create: async (path, options) => {
		const { checkVersion, createDump } = await import("./mitm/sink.ts");
		checkVersion(options.version);
		return createDump(path, options);
	},
};
