// A loan is of the tape that the first flow comes from: its bodies and connections, as long as they are as they lie there.
import { join } from "node:path";
import t from "tap";
import { httpFlow } from "../../../../fixtures/build-flow.ts";
import { flowsOf, storeAt, storeWith } from "../../../../fixtures/stores.ts";
import type { HttpFlow } from "../../../../src/flow/flow.ts";
import { RowReuse } from "../../../../src/store/sqlite/row-reuse.ts";

t.test("what is lent", async (t) => {
	const folder = t.testdir();
	const [one, two] = [join(folder, "one.tape"), join(folder, "two.tape")];
	const body = "x".repeat(500);
	for (const path of [one, two]) await storeWith(path, [httpFlow({ response: { body } })]);
	const [first, second] = [storeAt(one, "read"), storeAt(two, "read")];
	const [flow] = (await flowsOf(first)) as [HttpFlow];
	const [other] = (await flowsOf(second)) as [HttpFlow];
	t.equal(RowReuse.of(httpFlow()), null, "a flow that was made lies nowhere");
	const loan = RowReuse.of(flow) as RowReuse;
	t.equal(loan.lent.path, one);
	t.equal(loan.body(flow.response?.body ?? null), 1);
	t.equal(loan.body(other.response?.body ?? null), null, "of another tape");
	t.equal(loan.body(Buffer.from(body)), null);
	t.equal(loan.connection(flow.connections.client), 1);
	t.equal(loan.connection(flow.connections.server), 2);
	t.equal(loan.connection(other.connections.client), null);
	flow.clientConn.sni = "changed";
	t.equal(loan.connection(flow.connections.client), null, "somebody has looked at it");
	await storeWith(one, [httpFlow({ response: { body: `${body}y` } })], { mode: "append" });
	const late = (await flowsOf(first))[1] as HttpFlow;
	t.same([loan.body(late.response?.body ?? null), loan.connection(late.connections.client)], [null, null], "recorded since");
	await first.close();
	await second.close();
});
