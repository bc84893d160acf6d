// The limit for messages in memory.
import t from "tap";
import { admit, release } from "../../../../src/proxy/websocket/admission.ts";

const MIB = 1024 * 1024;

t.test("messages without room wait in order; one larger than the limit is admitted alone", async (t) => {
	const order: string[] = [];
	t.equal(admit(40 * MIB), undefined);
	t.equal(admit(24 * MIB), undefined);
	const large = admit(100 * MIB)?.then(() => order.push("large"));
	const small = admit(1)?.then(() => order.push("small"));
	t.ok(large !== undefined && small !== undefined, "the order is kept");
	release(40 * MIB);
	await new Promise(setImmediate);
	t.same(order, []);
	release(24 * MIB);
	await large;
	await new Promise(setImmediate);
	t.same(order, ["large"]);
	release(100 * MIB);
	await small;
	release(1);
	t.same(order, ["large", "small"]);
	t.equal(admit(64 * MIB), undefined);
	release(64 * MIB);
});
