// Scripts are named by `-s`, `--script`, or `scripts` in a configuration file.
import t from "tap";
import { Registry } from "../../../commands/cli/registry.ts";
import { options } from "../../../src/scripts/options.ts";

t.test("the flag can be repeated", async (t) => {
	const registry = new Registry([{ title: "Options", table: options }]);
	t.match(registry.flags, [{ name: "scripts", flag: "script", spec: { short: "s", metavar: "FILE" } }]);
	const given = new Map();
	registry.readFlags((flag) => (flag === "script" ? ["a.js", "b.js"] : undefined), given);
	t.same(registry.complete(given), { scripts: ["a.js", "b.js"] });
});
