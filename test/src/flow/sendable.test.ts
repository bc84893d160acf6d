// Messages of a tape that can and cannot be sent.
import t from "tap";
import { httpRequest } from "../../../fixtures/build-flow.ts";
import { Headers } from "../../../src/flow/headers.ts";
import {
	dropUnsendable,
	inOneLine,
	isOneLine,
	isToken,
	sendableTrailers,
	unsendable,
	whyNotSendable,
} from "../../../src/flow/sendable.ts";

t.test("fields that would inject another field", async (t) => {
	const headers = Headers.of(
		[":status", "200"],
		["X Odd", "ä"],
		["a", "b\r\nc: d"],
		["e\n", "f"],
		["", "g"],
		["h", "\0"],
		["i", ""],
	);
	t.same(unsendable(headers), [":status", "a", "e\n", "", "h"]);
	dropUnsendable(headers);
	t.same(unsendable(headers), []);
	t.same(
		[...headers.entries()].map(([name]) => name),
		["X Odd", "i"],
	);
});

t.test("trailers that would inject another field or change the framing", async (t) => {
	const bad = [
		"T",
		"a\r\n\r\nHTTP/1.1 200 Smuggled",
		"N\r\nX",
		"b",
		"L",
		"a\nb",
		"Z",
		"a\0",
		"",
		"c",
		"a b",
		"d",
		"Content-Length",
		"5",
		"transfer-encoding",
		"chunked",
	];
	t.same(sendableTrailers(["A", "1", ...bad, "B", ""]), ["A", "1", "B", ""]);
});

t.test("requests that cannot be sent", async (t) => {
	t.equal(whyNotSendable(httpRequest({ method: "M-SEARCH", path: "*", host: "::1" })), null);
	t.equal(whyNotSendable(httpRequest({ path: "/a?b=\xff|^" })), null);
	t.match(whyNotSendable(httpRequest({ path: "/a b" })), /path/);
	t.match(whyNotSendable(httpRequest({ method: "A B" })), /method/);
	t.match(whyNotSendable(httpRequest({ host: "a/b" })), /host/);
});

t.test("isOneLine has no state", async (t) => {
	for (const text of ["a\rb", "a\nb", "a\0b", "a\r\nb\n"]) for (let n = 0; n < 2; n++) t.equal(isOneLine(text), false);
	t.equal(isOneLine("a\tb\x0bc"), true);
	t.equal(inOneLine("a\r\nb\0"), "a  b ");
});

t.test("tokens", async (t) => {
	t.ok(isToken("X-Odd_~1"));
	for (const text of ["", "a b", "a:", "ä", "a\n"]) t.notOk(isToken(text), JSON.stringify(text));
});
