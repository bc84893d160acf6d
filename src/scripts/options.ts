// The option that names scripts.
import type { OptionTable } from "../options.ts";

export const options = {
	scripts: {
		type: "sequence",
		default: [],
		flag: "script",
		short: "s",
		metavar: "FILE",
		help: "Run a script on flows: .js, .mjs, or .ts with Node 22.18 or later. Can be repeated.",
	},
} as const satisfies OptionTable;
