// Compares two recordings.
import { join } from "node:path";
import t from "tap";
import { compareRecordings, type DiffOptions, diff } from "../../api/diff.ts";
import type { Source } from "../../api/source.ts";
import { openTape } from "../../api/tape.ts";
import { httpFlow, tcpFlow } from "../../fixtures/build-flow.ts";
import { writeTape } from "../../fixtures/tape-files.ts";

const before = () => [
	httpFlow({ request: { path: "/gone" } }),
	httpFlow({ request: { path: "/a" }, response: { body: '{"n":1,"at":1}' } }),
	httpFlow({ request: { path: "/same" } }),
	tcpFlow(),
];
const after = () => [
	httpFlow({ request: { path: "/same" } }),
	httpFlow({ request: { path: "/a" }, response: { body: '{"n":2,"at":2}' } }),
	httpFlow({ request: { path: "/new" } }),
];

async function differences(first: Source, second: Source, options?: DiffOptions): Promise<string[]> {
	const found: string[] = [];
	for await (const one of diff(first, second, options)) {
		const parts =
			one.kind === "changed"
				? one.differences.map(({ part, name, before: old, after: fresh }) => `${part} ${name} ${old}>${fresh}`)
				: [];
		found.push([one.kind, one.flow.request.path, ...parts].join(" "));
	}
	return found;
}

t.test("changed, removed, then added flows, from any kind of source", async (t) => {
	const folder = t.testdir();
	const [first, second] = [join(folder, "first.tape"), join(folder, "second.har")];
	await writeTape(first, before());
	await writeTape(second, after());
	const expected = ["changed /a json /n 1>2 json /at 1>2", "gone /gone", "new /new"];
	t.same(await differences(first, second), expected);
	t.same(await differences(before(), after()), expected);
	await using tape = await openTape(first);
	t.same(await differences(tape, second), expected);
	t.same(await differences(tape, first), []);
});

t.test("ignored parts and a filter", async (t) => {
	t.same(await differences(before(), after(), { ignore: "json:/at", filter: "~u /a" }), ["changed /a json /n 1>2"]);
	t.same(await differences(before(), after(), { ignore: ["json:/at", "json:/n"], filter: "~u /a" }), []);
});

t.test("invalid arguments", async (t) => {
	await t.rejects(differences([], [], { ignore: "json" }), { code: "FT_BAD_OPTION", option: "ignore" });
	await t.rejects(differences([], [], { ignored: [] } as DiffOptions), {
		code: "FT_BAD_OPTION",
		message: /Did you mean "ignore"/,
	});
	await t.rejects(differences([], [], { filter: "~nonsense" }), { code: "FT_BAD_FILTER" });
	await t.rejects(differences(join(t.testdir(), "none"), []), { code: "FT_NOT_FOUND" });
	await t.rejects(differences(before(), after(), { signal: AbortSignal.abort(new Error("enough")) }), {
		message: "enough",
	});
});

t.test("the number of flows in both", async (t) => {
	const http = (flows: ReturnType<typeof before>) => flows.filter((flow) => flow.type === "http");
	const { paired, differences } = await compareRecordings(http(before()), http(after()), () => true);
	t.equal(paired, 2);
	t.same(
		[...differences].map(({ kind }) => kind),
		["gone", "new"],
	);
});
