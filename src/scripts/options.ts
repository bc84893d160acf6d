// The option that names scripts.
import type { OptionTable } from "../options.ts";

export const options = {
	scripts: {
		type: "sequence",
		default: [],
		flag: "script",
		short: "s",
		metavar: "FILE",
		help: "Run a script on flows (.js, .mjs, or .ts where Node takes types out itself); again for another.",
	},
} as const satisfies OptionTable;
