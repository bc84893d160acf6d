// The boundary and the parts of multipart bodies.
import t from "tap";
import { boundaryOf, partsOf } from "../../../src/flow/multipart.ts";

t.test("boundaries, and types without one", async (t) => {
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

t.test("parts", async (t) => {
	const parts = (body: string) => [...partsOf(body, "B")].map(({ head, content }) => [head, content]);
	t.same(
		parts(
			"preamble\r\n--B\r\nX: 1\r\nY: 2\r\n\r\none\r\n--B \r\n\r\ntwo\r\n\r\n\r\n--B--\r\nepilogue\r\n--B\r\n\r\nnone",
		),
		[
			["X: 1\r\nY: 2", "one"],
			["", "two\r\n\r\n"],
		],
	);
	t.same(parts("--B\nX: 1\n\none\n--B\nno empty line\n--B--"), [
		["X: 1", "one"],
		["no empty line", null],
	]);
	t.same(parts("--B\r\nX: 1\r\n\r\nnot closed"), [["X: 1", "not closed"]]);
	t.same(parts("nothing"), []);
});
