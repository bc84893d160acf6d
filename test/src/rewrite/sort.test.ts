import t from "tap";
import { httpFlow, STARTED } from "../../../fixtures/build-flow.ts";
import { ownTemporaryFolder } from "../../../fixtures/own-temporary-folder.ts";
import type { Flow } from "../../../src/flow/flow.ts";
import type { FlowSink } from "../../../src/flow/pipe.ts";
import { sortByTime } from "../../../src/rewrite/sort.ts";

const refuse = () => {
	throw new Error("not to be called");
};
const at = (seconds: number, path: string) => httpFlow({ request: { path, timestampStart: STARTED + seconds } });

t.test("oldest first, and those of one time as they came", async (t) => {
	const left = ownTemporaryFolder(t);
	const got: Flow[] = [];
	let closed = false;
	const target: FlowSink = {
		append: (flow) => void got.push(flow),
		async close() {
			closed = true;
		},
	};
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

t.test("given up, it brings nothing", async (t) => {
	let discarded = false;
	const target: FlowSink = {
		append: refuse,
		close: async () => refuse(),
		async discard() {
			discarded = true;
		},
	};
	const sink = await sortByTime(target, refuse);
	await sink.append(at(1, "/a"));
	await sink.discard?.();
	t.ok(discarded);
});
