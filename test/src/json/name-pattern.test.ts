// Patterns for names.
import fc from "fast-check";
import t from "tap";
import { compileName, compileNames } from "../../../src/json/name-pattern.ts";

t.test("a pattern without * matches only itself, in the same case", (t) => {
	const matches = compileNames(["utm_source", "id"]);
	t.ok(matches?.("id"));
	t.notOk(matches?.("Id"));
	t.notOk(matches?.("utm_source2"));
	t.equal(compileNames([]), null);
	t.end();
});

t.test("ignoring the case of names and patterns", (t) => {
	const matches = compileNames(["X-Trace-*", "Accept"], { ignoreCase: true });
	t.ok(matches?.("x-trace-id"));
	t.ok(matches?.("ACCEPT"));
	t.notOk(matches?.("accept-language"));
	t.end();
});

t.test("* matches any characters, as .* in a regular expression", (t) => {
	const letters = fc.string({ unit: fc.constantFrom("a", "b", "*", "."), maxLength: 8 });
	const names = fc.string({ unit: fc.constantFrom("a", "b", "."), maxLength: 12 });
	fc.assert(
		fc.property(letters, names, (pattern, name) => {
			const expected = new RegExp(`^${pattern.replaceAll(".", "\\.").replaceAll("*", ".*")}$`).test(name);
			t.equal(compileName(pattern)(name), expected, `${pattern} on ${name}`);
		}),
		{ seed: 1, numRuns: 300 },
	);
	t.end();
});
