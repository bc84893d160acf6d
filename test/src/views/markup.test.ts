import t from "tap";
import { markup } from "../../../src/views/markup.ts";

const show = (text: string, type: string) =>
	markup({ bytes: Buffer.from(text), text: () => text, type, contentType: type });

t.test("elements are indented by depth", async (t) => {
	t.equal(
		show('<?xml version="1.0"?><a x=">"><b/>text<c>d</c></a>', "application/xml"),
		'<?xml version="1.0"?>\n<a x=">">\n  <b/>\n  text\n  <c>\n    d\n  </c>\n</a>',
	);
});

t.test("HTML: elements without an end, and those whose content is their own", async (t) => {
	t.equal(
		show("<!doctype html><p>a<br>b</p><script>if (a<b) { x('</p>') }</script><pre> 1\n 2</pre>", "text/html"),
		"<!doctype html>\n<p>\n  a\n  <br>\n  b\n</p>\n<script>if (a<b) { x('</p>') }</script>\n<pre> 1\n 2</pre>",
	);
	t.match(show("<!DOCTYPE html><html></html>", ""), /<html>/, "told by its beginning");
});

t.test("broken markup is shown as far as possible", async (t) => {
	t.equal(show("</a></b>< <c", "text/xml"), "</a>\n</b>\n<\n<\nc");
	t.equal(show("plain", "text/plain"), null);
	const deep = "<a>".repeat(5000);
	t.ok((show(deep, "text/xml") ?? "").length < 5000 * 100, "indentation has an end");
});
