// Where the tape of a test is, and that different tests have different tapes.
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import fc from "fast-check";
import t from "tap";
import { tapePath } from "../../../integrations/test/names.ts";

const folder = resolve("/project/test");
const file = join(folder, "users.test.ts");
const place = (name: string, options: Parameters<typeof tapePath>[1] = {}) => tapePath({ file, name }, options);

t.test("a tape for each file", async (t) => {
	t.equal(place("any"), join(folder, "__tapes__", "users.tape"));
	t.equal(tapePath({ file: pathToFileURL(file).href, name: "" }, {}), join(folder, "__tapes__", "users.tape"));
	for (const name of ["users.spec.mjs", "users_test.js", "users.js", "users.test.tsx", "users.cts"])
		t.equal(tapePath({ file: join(folder, name), name: "" }, {}), join(folder, "__tapes__", "users.tape"), name);
	t.equal(place("any", { dir: "../tapes" }), resolve("/project/tapes/users.tape"));
	t.equal(place("any", { tape: "session.jsonl" }), join(folder, "__tapes__", "session.jsonl"));
	t.equal(place("any", { tape: resolve("/a.har") }), resolve("/a.har"));
});

t.test("a tape for each test", async (t) => {
	const perTest = (name: string) =>
		place(name, { tape: "per-test" }).slice(join(folder, "__tapes__", "users").length + 1);
	t.equal(perTest("creates a user"), "creates-a-user.tape");
	t.equal(perTest("users > creates a user"), "users--creates-a-user.tape");
	t.match(perTest("creates a user!"), /^creates-a-user-[\da-f]{8}\.tape$/);
	t.match(perTest("../../etc/passwd"), /^etc-passwd-[\da-f]{8}\.tape$/);
	t.match(perTest("a".repeat(300)), /^a{80}-[\da-f]{8}\.tape$/);
	fc.assert(
		fc.property(
			fc.string({ unit: "binary" }),
			fc.string({ unit: fc.constantFrom("a", " ", "-", ">", "/", "_") }),
			(a, b) => {
				for (const name of [a, b]) t.notMatch(perTest(name), /[/\\\0]|^\./);
				if (a !== b) t.not(perTest(a), perTest(b));
			},
		),
	);
	fc.assert(
		fc.property(
			fc.string({ unit: fc.constantFrom("a", " ", "-", ">") }),
			fc.string({ unit: fc.constantFrom("a", " ", "-", ">") }),
			(a, b) => {
				if (a !== b) t.not(perTest(a), perTest(b));
			},
		),
	);
});
