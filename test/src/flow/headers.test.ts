// Header fields keep order, case, duplicates and bytes; access by name ignores case.
import t from "tap";
import { Headers } from "../../../src/flow/headers.ts";

const sample = () => Headers.of(["Host", "a"], ["Set-Cookie", "x=1"], ["X-Name", "hé"], ["set-cookie", "y=2"]);

t.test("reading", async (t) => {
	const headers = sample();
	t.equal(headers.size, 4);
	t.equal(headers.get("SET-COOKIE"), "x=1, y=2");
	t.equal(headers.get("absent"), null);
	t.equal(headers.raw("x-name"), "h\xc3\xa9");
	t.equal(headers.get("x-name"), "hé");
	t.same(headers.getAll("set-cookie"), ["x=1", "y=2"]);
	t.ok(headers.has("hOST"));
	t.notOk(headers.has("hos"));
	t.same(
		[...headers],
		[
			["Host", "a"],
			["Set-Cookie", "x=1"],
			["X-Name", "hé"],
			["set-cookie", "y=2"],
		],
	);
	t.equal(headers.block(), "Host: a\r\nSet-Cookie: x=1\r\nX-Name: h\xc3\xa9\r\nset-cookie: y=2\r\n");
	t.equal(new Headers().block(), "");
});

t.test("set keeps the position and spelling of the first field and removes the others", async (t) => {
	const headers = sample();
	headers.set("SET-COOKIE", "z=3");
	t.same(
		[...headers],
		[
			["Host", "a"],
			["Set-Cookie", "z=3"],
			["X-Name", "hé"],
		],
	);
	headers.set("New", "v");
	t.equal(headers.get("new"), "v");
	t.same(headers.fields.slice(-2), ["New", "v"]);
});

t.test("setAll, add, insert, delete, copy", async (t) => {
	const headers = sample();
	const copy = headers.copy();
	headers.setAll("set-cookie", ["1", "2", "3"]);
	t.same(headers.fields, ["Host", "a", "Set-Cookie", "1", "X-Name", "h\xc3\xa9", "set-cookie", "2", "set-cookie", "3"]);
	headers.add("Host", "b");
	headers.insert(0, "First", "1");
	t.same(headers.fields.slice(0, 4), ["First", "1", "Host", "a"]);
	t.equal(headers.get("host"), "a, b");
	t.ok(headers.delete("HOST"));
	t.notOk(headers.delete("HOST"));
	t.same([...copy], [...sample()]);
});
