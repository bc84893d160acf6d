// Limits the number of flows.
import t from "tap";
import { limitFlows } from "../../api/limit-flows.ts";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { FlowSink, FlowSource, pipe } from "../../src/flow/pipe.ts";

t.test("the first flows of several sources; later batches and sources are not read", async (t) => {
	const read: string[] = [];
	const source = (...batches: string[][]) =>
		FlowSource.of(async function* () {
			for (const ids of batches) {
				read.push(...ids);
				yield ids.map((id) => httpFlow({ id }));
			}
		});
	const sources = [source(["a", "b"], ["c", "d"], ["e"]), source(["f"])];
	const taken = async (limit: number) => {
		const ids: string[] = [];
		read.length = 0;
		await pipe(limitFlows(sources, limit), [], FlowSink.of({ append: ({ id }) => void ids.push(id) }));
		return ids.join("");
	};
	t.equal(await taken(3), "abc");
	t.equal(read.join(""), "abcd");
	t.equal(await taken(5), "abcde");
	t.equal(read.join(""), "abcde");
	t.equal(await taken(9), "abcdef");
	t.same(
		[await limitFlows(sources, 1)[0]?.count(), await limitFlows(sources, 1)[0]?.transfer(FlowSink.of({ append() {} }))],
		[null, null],
	);
});
