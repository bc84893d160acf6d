// Values by name.
import t from "tap";
import { valuesByName } from "../../../src/flow/pairs.ts";

t.test("names and values keep their order", async (t) => {
	const groups = valuesByName([
		["b", "1"],
		["a", "2"],
		["b", "3"],
		["__proto__", "4"],
	]);
	t.same(
		[...groups],
		[
			["b", ["1", "3"]],
			["a", ["2"]],
			["__proto__", ["4"]],
		],
	);
	t.equal(valuesByName([]).size, 0);
});
