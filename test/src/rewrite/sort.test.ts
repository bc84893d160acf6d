// Sorts flows by time.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { httpFlow, STARTED } from "../../../fixtures/build-flow.ts";
import { ownTemporaryFolder } from "../../../fixtures/own-temporary-folder.ts";
import { flowsOf, storeAt, storeWith } from "../../../fixtures/stores.ts";
import type { Flow } from "../../../src/flow/flow.ts";
import type { MetaValue } from "../../../src/flow/metadata.ts";
import { FlowSink } from "../../../src/flow/sink.ts";
import { sortByTime } from "../../../src/rewrite/sort.ts";

const refuse = () => {
	throw new Error("not to be called");
};
const at = (seconds: number, path: string) => httpFlow({ request: { path, timestampStart: STARTED + seconds } });

t.test("oldest first; flows of the same time keep their order", async (t) => {
	const left = ownTemporaryFolder(t);
	const got: Flow[] = [];
	let closed = false;
	const target = FlowSink.of({
		append: (flow) => void got.push(flow),
		async close() {
			closed = true;
		},
	});
	const sink = await sortByTime(target, refuse);
	for (const flow of [at(2, "/c"), at(1, "/a"), at(2, "/d"), at(1, "/b")]) await sink.append(flow);
	t.same(got, []);
	await sink.close();
	t.same(
		got.map((flow) => flow.type === "http" && flow.request.path),
		["/a", "/b", "/c", "/d"],
	);
	t.ok(closed);
	t.same(left(), [], "nothing is left behind");
});

t.test("fields that a tape cannot store are kept, such as unknown keys of JSON lines", async (t) => {
	const got: Flow[] = [];
	const sink = await sortByTime(FlowSink.of({ append: (flow) => void got.push(flow), async close() {} }), refuse);
	const extra = (of: string) => ({ jsonl: { of } });
	const later = at(2, "/b");
	later.extra = extra("flow");
	later.request.extra = extra("request");
	if (later.response !== null) later.response.extra = extra("response");
	for (const flow of [later, at(1, "/a")]) await sink.append(flow);
	await sink.close();
	t.same(
		got.map((flow) => flow.type === "http" && [flow.extra, flow.request.extra, flow.response?.extra]),
		[
			[undefined, undefined, undefined],
			[extra("flow"), extra("request"), extra("response")],
		],
	);
});

t.test("notes are passed on immediately", async (t) => {
	const noted: unknown[] = [];
	class Target extends FlowSink {
		override note(...note: [string, MetaValue]): void {
			noted.push(note);
		}

		append(): void {}

		async close(): Promise<void> {}
	}
	const sink = await sortByTime(new Target(), refuse);
	sink.note("by", "hand");
	t.same(noted, [["by", "hand"]]);
	await sink.append(at(1, "/a"));
	await sink.close();
});

t.test("a discarded sort passes on no flow", async (t) => {
	let discarded = false;
	const target = FlowSink.of({
		append: refuse,
		close: async () => refuse(),
		async discard() {
			discarded = true;
		},
	});
	const sink = await sortByTime(target, refuse);
	await sink.append(at(1, "/a"));
	await sink.discard();
	t.ok(discarded);
});

t.test("the source tape is only read", async (t) => {
	const folder = t.testdir();
	const path = join(folder, "in.tape");
	await storeWith(path, [
		at(2, "/b"),
		httpFlow({
			request: { path: "/a", timestampStart: STARTED },
			response: { body: "a body of its own ".repeat(100) },
		}),
	]);
	const from = storeAt(path, "read");
	const to = storeAt(join(folder, "out.tape"), "create", { reusesRows: false });
	const sink = await sortByTime(to, refuse);
	for (const flow of await flowsOf(from)) await sink.append(flow);
	const bytes = readFileSync(path);
	await sink.close();
	await from.close();
	t.ok(readFileSync(path).equals(bytes));
	t.notOk(existsSync(`${path}-wal`) || existsSync(`${path}-journal`));
	const sorted = storeAt(join(folder, "out.tape"), "read");
	t.same(
		(await flowsOf(sorted)).map((flow) => flow.type === "http" && [flow.request.path, flow.response?.text?.length]),
		[
			["/a", 1800],
			["/b", 5],
		],
	);
	await sorted.close();
});
