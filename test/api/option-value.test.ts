// Parses values of options from the command line and from configuration files.
import { homedir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { checkValue, isPath, parseValue } from "../../api/option-value.ts";
import type { OptionSpec } from "../../src/options.ts";

const help = "h";
const boolean: OptionSpec = { type: "boolean", default: false, help };
const integer: OptionSpec = { type: "integer", default: null, help };
const port: OptionSpec = { type: "integer", default: 8080, min: 0, max: 65535, help };
const size: OptionSpec = { type: "size", default: null, help };
const string: OptionSpec = { type: "string", default: null, help };
const choice: OptionSpec = { type: "string", default: "404", choices: ["404", "kill"], help };
const sequence: OptionSpec = { type: "sequence", default: [], help };
const path: OptionSpec = { type: "string", default: null, metavar: "FILE", help };
const tapes: OptionSpec = { type: "sequence", default: [], metavar: "TAPE", help };

t.test("texts", async (t) => {
	for (const [spec, text, value] of [
		[boolean, undefined, true],
		[boolean, "true", true],
		[boolean, "false", false],
		[integer, "-3", -3],
		[integer, " 42 ", 42],
		[port, "0", 0],
		[port, "65535", 65535],
		[size, "512", 512],
		[size, "10m", 10 * 1024 ** 2],
		[size, "1.5k", 1536],
		[size, "10kb", 10 * 1024],
		[size, "2GiB", 2 * 1024 ** 3],
		[size, "1T", 1024 ** 4],
		[string, "", ""],
		[string, undefined, null],
		[string, "~/x", "~/x"],
		[choice, "kill", "kill"],
		[sequence, "a,b", ["a,b"]],
		[sequence, undefined, []],
		[path, "~/x", join(homedir(), "x")],
		[path, "~", homedir()],
		[path, "~other/x", "~other/x"],
		[tapes, "~/x", [join(homedir(), "x")]],
	] as const)
		t.same(parseValue(spec, text, "--x"), value, `${spec.type} ${text}`);
});

t.test("invalid texts", async (t) => {
	for (const [spec, text, why] of [
		[boolean, "maybe", /expected true or false, found "maybe"/],
		[boolean, "1", /expected true or false, found/],
		[integer, "1.5", /expected a whole number, found "1.5"$/],
		[integer, "1e3", /whole number/],
		[integer, "", /whole number/],
		[integer, undefined, /expected a number, found none/],
		[integer, "99999999999999999999", /whole number/],
		[port, "65536", /a whole number from 0 to 65535/],
		[port, "-1", /from 0 to 65535/],
		[{ ...integer, min: 1 } as const, "0", /a whole number of at least 1/],
		[size, "ten", /expected a size such as 512, 64k, 1.5m or 2g, found "ten"/],
		[size, "-1", /expected a size/],
		[size, "1x", /expected a size/],
		[size, undefined, /expected a size, found none/],
		[choice, "500", /expected one of 404, kill, found "500"/],
		[choice, undefined, /expected a value, found none/],
	] as const)
		t.throws(
			() => parseValue(spec, text, "--some-flag"),
			{ code: "FT_BAD_OPTION", message: new RegExp(`^--some-flag: .*${why.source}`) },
			`${spec.type} ${text}`,
		);
});

t.test("values of configuration files: their own type, or a text", async (t) => {
	for (const [spec, value, read] of [
		[boolean, true, true],
		[boolean, "false", false],
		[port, 9090, 9090],
		[port, "9090", 9090],
		[size, 1024, 1024],
		[size, "1k", 1024],
		[choice, 404, "404"],
		[string, null, null],
		[sequence, "one", ["one"]],
		[sequence, ["one", "two"], ["one", "two"]],
		[path, "~/x", join(homedir(), "x")],
		[tapes, ["~/x"], [join(homedir(), "x")]],
	] as const)
		t.same(checkValue(spec, value, "file"), read, `${spec.type} ${JSON.stringify(value)}`);
});

t.test("invalid values of configuration files", async (t) => {
	for (const [spec, value] of [
		[boolean, 1],
		[boolean, null],
		[port, null],
		[port, 1.5],
		[port, true],
		[string, { a: 1 }],
		[choice, null],
		[sequence, [1]],
		[sequence, null],
		[sequence, { a: 1 }],
	] as const)
		t.throws(
			() => checkValue(spec, value, "conf.json: key"),
			{ code: "FT_BAD_OPTION", message: /^conf.json: key: / },
			`${spec.type} ${JSON.stringify(value)}`,
		);
});

t.test("options with a path say so in their metavar", async (t) => {
	t.ok(isPath(path));
	t.ok(isPath(tapes));
	t.notOk(isPath(string));
});
