// The view of XML and HTML.
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

t.test("HTML: void elements and verbatim content", async (t) => {
	t.equal(
		show("<!doctype html><p>a<br>b</p><script>if (a<b) { x('</p>') }</script><pre> 1\n 2</pre>", "text/html"),
		"<!doctype html>\n<p>\n  a\n  <br>\n  b\n</p>\n<script>if (a<b) { x('</p>') }</script>\n<pre> 1\n 2</pre>",
	);
	t.match(show("<!DOCTYPE html><html></html>", ""), /<html>/, "detected by its beginning");
});

t.test("broken markup", async (t) => {
	t.equal(show("</a></b>< <c", "text/xml"), "</a>\n</b>\n<\n<c");
	t.equal(show("plain", "text/plain"), null);
	const deep = "<a>".repeat(5000);
	t.ok((show(deep, "text/xml") ?? "").length < 5000 * 100, "indentation has an end");
	t.equal(show("<a>x<!-- y>z", "text/xml"), "<a>\n  x\n  <!-- y>z", "a comment without an end");
	t.equal(show("<a b='x>y</a>", "text/xml"), "<a b='x>\n  y\n</a>", "a quote without an end");
	t.equal(
		show("<p>İİ</p><style>a{}</STYLE><p>b</p>", "text/html"),
		"<p>\n  İİ\n</p>\n<style>a{}</STYLE>\n<p>\n  b\n</p>",
	);
});

t.test("the time is proportional to the size, also for broken markup", async (t) => {
	for (const part of ["<!--", "<![CDATA[", "<!", "<?", "<a ", "<a b='", "<a b=\"x'", "<script></script>", "<style>"])
		t.ok(show(part.repeat(Math.floor((512 * 1024) / part.length)), "text/html"), part);
});
