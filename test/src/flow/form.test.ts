// The fields of URL-encoded and multipart forms.
import t from "tap";
import { httpRequest } from "../../../fixtures/build-flow.ts";
import { formFields, partName } from "../../../src/flow/form.ts";

const fields = (type: string | null, body: string | Buffer | null) =>
	formFields(
		httpRequest({
			headers: type === null ? [] : [["Content-Type", type]],
			body: typeof body === "string" ? Buffer.from(body, "latin1") : body,
		}),
	);

t.test("URL-encoded", async (t) => {
	const type = "application/x-www-form-urlencoded";
	t.same(fields(type, "a=1&b=%20+&a=&c"), [
		{ name: "a", value: "1" },
		{ name: "b", value: "  " },
		{ name: "a", value: "" },
		{ name: "c", value: "" },
	]);
	t.same(fields(`${type}; charset=utf-8`, "k=%C3%A9"), [{ name: "k", value: "\xc3\xa9" }], "values are bytes");
	t.equal(fields(type, ""), null);
	t.equal(fields(type, null), null);
	t.equal(fields("text/plain", "a=1"), null);
	t.equal(fields(null, "a=1"), null);
});

t.test("multipart", async (t) => {
	const part = (head: string, value: string) => `--B\r\n${head}\r\n\r\n${value}\r\n`;
	const disposition = (name: string) => `Content-Disposition: form-data; name="${name}"`;
	const type = "multipart/form-data; boundary=B";
	const body = `preamble\r\n${part(disposition("a"), "1")}${part(`${disposition("file")}; filename="x.bin"\r\nContent-Type: application/octet-stream`, "\xff\0\r\n--Bx")}`;
	t.same(fields(type, `${body}--B--\r\nepilogue`)?.slice(0, 1), [{ name: "a", value: "1" }]);
	t.same(fields(type, `${part(disposition("a"), "")}${part(disposition('q\\"uote'), "v\r\n\r\nw")}--B--`), [
		{ name: "a", value: "" },
		{ name: 'q"uote', value: "v\r\n\r\nw" },
	]);
	t.same(fields('multipart/form-data; boundary="B"', `${part(disposition("caf\xc3\xa9"), "v")}--B`), [
		{ name: "café", value: "v" },
	]);
	t.same(
		fields(type, `--B\nContent-Disposition: form-data; name=bare\n\nv\n--B--`),
		[{ name: "bare", value: "v" }],
		"line feeds alone, no quotes",
	);
	t.same(
		fields(
			type,
			`${part("Content-Type: text/plain", "no name")}--B\r\nno blank line\r\n${part(disposition("z"), "last")}--B--`,
		),
		[{ name: "z", value: "last" }],
	);
	for (const bad of ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=other"])
		t.equal(fields(bad, body), null, bad);
});

t.test("the name of a part", async (t) => {
	t.equal(partName('Content-Type: text/plain\r\ncontent-disposition: form-data; name="a b"; filename="c"'), "a b");
	t.equal(partName("Content-Disposition: form-data; name=a; filename=b"), "a");
	t.equal(partName('Content-Disposition: form-data; name="q\\"uote"'), 'q"uote');
	t.equal(partName('Content-Disposition: form-data; name=""'), "");
	t.equal(partName("Content-Disposition: form-data"), null);
});
