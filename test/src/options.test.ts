// The typed defaults of an option table, names of flags, and `~` in paths.
import { homedir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { defaults, expandHome, kebab, type OptionTable } from "../../src/options.ts";

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

t.test("a flag is the option's name in kebab-case", async (t) => t.equal(kebab("a_b_c"), "a-b-c"));

t.test("a leading ~ is the home folder", async (t) => {
	for (const [path, expanded] of [
		["~", "/home/me"],
		["~/x/y", "/home/me/x/y"],
		["~other/x", "~other/x"],
		["x/~/y", "x/~/y"],
		["", ""],
	] as const)
		t.equal(expandHome(path, "/home/me"), expanded, path);
	t.equal(expandHome("~/x"), join(homedir(), "x"));
});
