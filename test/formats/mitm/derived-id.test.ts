// Derives ids from values.
import t from "tap";
import { derivedId } from "../../../formats/mitm/derived-id.ts";
import { Float } from "../../../src/flow/metadata.ts";

t.test("equal values give equal ids, others do not", async (t) => {
	const id = derivedId("a", 1.5, ["h", 80]);
	t.match(id, /^[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
	t.equal(derivedId("a", 1.5, ["h", 80]), id);
	const others = [
		derivedId("a", 1.5, ["h", 81]),
		derivedId("a1.5", ["h", 80]),
		derivedId(),
		derivedId(2n ** 80n, new Float(1), Buffer.of(1)),
		derivedId(null),
	];
	t.equal(new Set([id, ...others]).size, 6);
});
