// Prints the differences between two flows.
import t from "tap";
import { changeText, countsText, differenceText } from "../../../commands/print/differences.ts";
import { plain } from "../../../commands/print/text.ts";
import { httpFlow } from "../../../fixtures/build-flow.ts";

t.test("long values are shortened, control characters are escaped, missing values are named", async (t) => {
	const text = differenceText({
		side: "response",
		part: "header",
		name: "x",
		before: "a".repeat(1000),
		after: "\u001b[2J",
	});
	t.equal(text, `response header x: ${"a".repeat(200)}… → ␛[2J`);
	t.equal(
		differenceText({ side: "request", part: "method", name: null, before: null, after: "GET" }),
		"request method: (none) → GET",
	);
});

t.test("a removed flow, and the counts", async (t) => {
	const change = { kind: "gone", flow: httpFlow({ id: "0123456789" }) } as const;
	t.equal(changeText(change, plain), "- GET http://example.com/ 01234567\n");
	t.equal(countsText([change], 4), "0 changed, 1 gone, 0 new, 4 the same\n");
});
