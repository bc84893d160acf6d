// Bodies and connections of the tape that the first flow was read from can be reused while they are unchanged.
import { join } from "node:path";
import t from "tap";
import { httpFlow } from "../../../../fixtures/build-flow.ts";
import { flowsOf, storeAt, storeWith } from "../../../../fixtures/stores.ts";
import type { HttpFlow } from "../../../../src/flow/flow.ts";
import { RowReuse } from "../../../../src/store/sqlite/row-reuse.ts";

t.test("reusable rows", async (t) => {
	const folder = t.testdir();
	const [one, two] = [join(folder, "one.tape"), join(folder, "two.tape")];
	const body = "x".repeat(500);
	for (const path of [one, two]) await storeWith(path, [httpFlow({ response: { body } })]);
	const [first, second] = [storeAt(one, "read"), storeAt(two, "read")];
	const [flow] = (await flowsOf(first)) as [HttpFlow];
	const [other] = (await flowsOf(second)) as [HttpFlow];
	t.equal(RowReuse.from(httpFlow()), null, "a flow that was not read from a tape");
	const reuse = RowReuse.from(flow) as RowReuse;
	t.equal(reuse.reusable.path, one);
	t.equal(reuse.body(flow.response?.body ?? null), 1);
	t.equal(reuse.body(other.response?.body ?? null), null, "a body of another tape");
	t.equal(reuse.body(Buffer.from(body)), null);
	t.equal(reuse.connection(flow.connections.client), 1);
	t.equal(reuse.connection(flow.connections.server), 2);
	t.equal(reuse.connection(other.connections.client), null);
	flow.clientConn.sni = "changed";
	t.equal(reuse.connection(flow.connections.client), null, "a connection that was accessed");
	await storeWith(one, [httpFlow({ response: { body: `${body}y` } })], { mode: "append" });
	const late = (await flowsOf(first))[1] as HttpFlow;
	t.same(
		[reuse.body(late.response?.body ?? null), reuse.connection(late.connections.client)],
		[null, null],
		"recorded since",
	);
	await first.close();
	await second.close();
});
