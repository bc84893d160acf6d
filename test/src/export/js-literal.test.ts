// String literals of JavaScript.
import t from "tap";
import { jsLiteral } from "../../../src/export/js-literal.ts";

t.test("printable ASCII that JavaScript evaluates to the same characters", async (t) => {
	const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)).latin1Slice();
	const literal = jsLiteral(bytes);
	t.match(literal, /^[ -~]*$/);
	t.equal(JSON.parse(literal), bytes);
});
