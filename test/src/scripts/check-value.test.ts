// Checks values that scripts set.
import t from "tap";
import {
	bufferOf,
	checkBytes,
	checkChunks,
	checkField,
	checkInteger,
	checkText,
} from "../../../src/scripts/check-value.ts";

t.test("valid values are returned", async (t) => {
	t.equal(checkText("comment", "a\nb"), "a\nb");
	t.equal(checkField("path", "/a b"), "/a b");
	t.equal(checkInteger("port", 0, 0, 65535), 0);
	t.equal(checkBytes("content", null), null);
	const bytes = new Uint8Array(8).subarray(2, 4);
	t.equal(checkBytes("content", bytes), bytes);
	t.equal(bufferOf(bytes).length, 2);
	t.equal(checkChunks("stream", bytes), bytes);
	t.same(checkChunks("stream", new Set([bytes])), [bytes]);
});

t.test("errors name the value, what was expected and what was found", async (t) => {
	const said = (name: string, words: RegExp) => ({
		name: "TypeError",
		message: new RegExp(`^${name}: ${words.source}`),
	});
	t.throws(() => checkText("method", 5), said("method", /expected a string, found 5$/));
	for (const value of ["a\r\nb: c", "a\nb", "\0"])
		t.throws(() => checkField("x-a", value), said("x-a", /expected a string without line breaks/));
	for (const value of ["80", 65536, -1, 1.5, Number.NaN, null])
		t.throws(() => checkInteger("port", value, 0, 65535), said("port", /expected a whole number from 0 to 65535/));
	for (const value of ["text", 5, undefined, [1]])
		t.throws(() => checkBytes("content", value), said("content", /expected bytes \(for text/));
	t.throws(() => bufferOf(null), said("content", /expected bytes, found null/));
	for (const value of ["text", 5, null, Promise.resolve(), ["a"]])
		t.throws(() => checkChunks("stream", value), said("stream", /expected bytes or a list of them,/));
});
