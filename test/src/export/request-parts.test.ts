import t from "tap";
import { httpRequest } from "../../../fixtures/build-flow.ts";
import { namedFields, textBody, urlOf } from "../../../src/export/request-parts.ts";

t.test("fields a command names", async (t) => {
	const headers = [
		["host", "example.com"],
		["Content-Length", "3"],
		[":path", "/"],
		["X-A", "1"],
		["bad name", "x"],
		["X-B", "a\r\nb"],
	] as const;
	t.same(namedFields(httpRequest({ headers })), [
		["X-A", "1"],
		["X-B", "a  b"],
	]);
});

t.test("URLs go on the wire as they came", async (t) => {
	t.equal(urlOf(httpRequest({ path: "/a b\n\u00e9" })), "http://example.com/a%20b%0a\u00e9");
});

t.test("bodies that can stand in an argument", async (t) => {
	t.equal(textBody(Buffer.from("a\tb\n")), "a\tb\n");
	for (const body of [Buffer.from("a\r\n"), Buffer.from([0x7f]), Buffer.from([0xff]), Buffer.alloc(100_000, "x")]) t.equal(textBody(body), null);
});
