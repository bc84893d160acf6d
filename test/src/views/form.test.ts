// Views of URL-encoded and multipart forms.
import t from "tap";
import { form, multipart } from "../../../src/views/form.ts";

const input = (bytes: Buffer, contentType: string) => ({
	bytes,
	text: () => bytes.toString(),
	type: contentType.split(";")[0] ?? "",
	contentType,
});

t.test("decoded fields", async (t) => {
	t.equal(form(input(Buffer.from("a=1&b=x+y%21&c"), "application/x-www-form-urlencoded")), "a: 1\nb: x y!\nc: ");
	t.equal(form(input(Buffer.from("?a=1"), "application/x-www-form-urlencoded")), "?a: 1", "it is not a query");
	t.equal(form(input(Buffer.from("a=1"), "text/plain")), null);
});

t.test("parts, with binary ones as a hex dump", async (t) => {
	const body = Buffer.from(
		'--B\r\nContent-Disposition: form-data; name="a"\r\n\r\nte\u00e9xt\r\n--B\r\nContent-Type: image/png\r\n\r\n\0\u0001\r\n--B--\r\n',
	);
	const shown = multipart(input(body, 'multipart/form-data; boundary="B"')) ?? "";
	t.match(shown, '--B\nContent-Disposition: form-data; name="a"\n\nte\u00e9xt');
	t.match(shown, "Content-Type: image/png\n\n00000000  00 01");
	t.equal(multipart(input(body, "multipart/form-data")), null);
	t.equal(multipart(input(Buffer.from("nothing"), "multipart/form-data; boundary=B")), null);
});
