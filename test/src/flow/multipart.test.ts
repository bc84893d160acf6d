import t from "tap";
import { boundaryOf } from "../../../src/flow/multipart.ts";

t.test("the boundary, and what is none", async (t) => {
	for (const [type, wanted] of [
		["multipart/form-data; boundary=XX", "XX"],
		["Multipart/Mixed;BOUNDARY=x; charset=utf-8", "x"],
		['multipart/form-data; charset=utf-8; boundary="a b;c"', "a b;c"],
		['multipart/form-data; boundary="a\\\\\\"b"', 'a\\"b'],
		["multipart/form-data; boundary=é", "\xc3\xa9"],
		["multipart/form-data; xboundary=XX", null],
		["multipart/form-data; xboundary=no; boundary=yes", "yes"],
		["multipart/form-data; boundary=", null],
		['multipart/form-data; boundary=""', null],
		["multipart/form-data", null],
		["text/plain; boundary=XX", null],
	] as const)
		t.equal(boundaryOf(type), wanted, type);
});
