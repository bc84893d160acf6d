// Sources: defaults of optional members, and wrappers that forward every member.
import t from "tap";
import { tcpFlow } from "../../../fixtures/build-flow.ts";
import { FlowSink } from "../../../src/flow/sink.ts";
import { FlowSource, ForwardingSource } from "../../../src/flow/source.ts";

const two = () =>
	FlowSource.of(async function* () {
		yield [tcpFlow({ id: "one" })];
		yield [tcpFlow({ id: "two" })];
	});

t.test("defaults of sources", async (t) => {
	const source = two();
	t.same(source.progress(), { done: 0, total: null });
	t.equal(await source.transfer(FlowSink.of({ append() {} })), null);
	t.same(await source.notes(), {});
	t.equal(await source.count(), null);
	const ids: string[] = [];
	for await (const batch of source) ids.push(...batch.map(({ id }) => id));
	t.same(ids, ["one", "two"]);
	await source.close();
});

t.test("a wrapper forwards every member", async (t) => {
	const members = Object.getOwnPropertyNames(FlowSource.prototype);
	t.same(
		members.filter((name) => !Object.hasOwn(ForwardingSource.prototype, name)),
		[],
		"of those that have a name",
	);
	const asked: string[] = [];
	const inner = Object.assign(two(), {
		progress: () => ({ done: 1, total: 2 }),
		transfer: async () => 7,
		count: async () => 8,
		notes: async () => ({ a: 1 }),
		close: async () => void asked.push("close"),
	});
	const source = new ForwardingSource(inner);
	t.same(source.progress(), { done: 1, total: 2 });
	t.equal(await source.transfer(FlowSink.of({ append() {} })), 7);
	t.equal(await source.count(), 8);
	t.same(await source.notes(), { a: 1 });
	for await (const [flow] of source) asked.push(flow?.id ?? "");
	await source.close();
	t.same(asked, ["one", "two", "close"]);
});
