// A table of options gives its defaults, typed.
import t from "tap";
import { defaults, type OptionTable } from "../../src/options.ts";

t.test("defaults", async (t) => {
	const table = {
		anticache: { type: "boolean", default: false, help: "h" },
		mode: { type: "sequence", default: ["regular"], help: "h" },
		limit: { type: "size", default: null, help: "h" },
		extra: { type: "string", default: "forward", choices: ["forward", "kill"], help: "h" },
	} as const satisfies OptionTable;
	const values = defaults(table);
	const limit: number | null = values.limit;
	const extra: string = values.extra;
	t.same(values, { anticache: false, mode: ["regular"], limit, extra });
});
