// Responses combined from parts of one representation.
import t from "tap";
import { httpFlow } from "../../../../fixtures/build-flow.ts";
import { large } from "../../../../fixtures/large.ts";
import type { FlowEnd } from "../../../../src/flow/flow.ts";
import type { Response } from "../../../../src/flow/message.ts";
import { joinedFit, type StoredPart, storedPartOf } from "../../../../src/replay/answer/joined-parts.ts";
import { NO_CONDITIONS } from "../../../../src/replay/match/conditions.ts";

const text = "0123456789abcdefghij";
const ETAG: [string, string] = ["ETag", '"e1"'];

interface Told {
	fields?: [string, string][];
	statusCode?: number;
	end?: FlowEnd;
	/** Number of received bytes; default: all. */
	came?: number;
}

/** The recording of a range, both ends included. */
function part(
	from: number,
	last: number,
	{ fields = [ETAG], statusCode = 206, end = "server", came = last + 1 - from }: Told = {},
): StoredPart | null {
	const length: [string, string][] = [["Content-Length", String(last + 1 - from)]];
	const headers = [
		...fields,
		...length,
		...(statusCode === 206 ? [["Content-Range", `bytes ${from}-${last}/${text.length}`] as [string, string]] : []),
	];
	const response = httpFlow({ response: { statusCode, headers, body: text.slice(from, from + came) } })
		.response as Response;
	return storedPartOf({ conditions: null, response, end });
}

/** Rank, status, Content-Range, body, end, and the indexes of the parts. */
function answer(
	range: string | null,
	parts: readonly (StoredPart | null)[],
	{ method = "GET", ifRange = null as string | null } = {},
) {
	const held = parts.flatMap((one) => one ?? []);
	const joined = joinedFit({ method, conditions: { ...NO_CONDITIONS, range, ifRange }, accept: null }, held);
	if (joined === null) return null;
	const { fit, of } = joined;
	const { statusCode, headers, text } = fit.derive?.() ?? { statusCode: 0, headers: null, text: "" };
	return [fit.rank, statusCode, headers?.get("content-range") ?? null, text, fit.ended, of];
}

t.test("a range that several parts cover", async (t) => {
	const parts = [part(0, 4), part(5, 9), part(8, 14), part(15, 19)];
	t.same(answer("bytes=3-6", parts), [2.5, 206, "bytes 3-6/20", "3456", "server", [0, 1]]);
	t.same(answer("bytes=5-14", parts), [2.5, 206, "bytes 5-14/20", "56789abcde", "server", [1, 2]], "they overlap");
	t.same(
		answer("bytes=0-", [...parts].reverse()),
		[2.5, 206, "bytes 0-19/20", text, "server", [3, 2, 1, 0]],
		"in any order",
	);
	t.same(answer("bytes=-12", parts), [2.5, 206, "bytes 8-19/20", text.slice(8), "server", [2, 3]]);
	t.same(answer(null, parts), [2.5, 200, null, text, "server", [0, 1, 2, 3]], "all of it");
	t.same(
		answer("bytes=0-1", parts, { ifRange: '"e2"' }),
		[2.5, 200, null, text, "server", [0, 1, 2, 3]],
		"another version is asked for",
	);
	t.same(answer("bytes=3-6", parts, { ifRange: '"e1"' }), [2.5, 206, "bytes 3-6/20", "3456", "server", [0, 1]]);
});

t.test("the fewest parts that suffice", large, async (t) => {
	const small = Array.from({ length: 19 }, (_, at) => part(at, at + 1));
	t.same(answer("bytes=2-9", [...small, part(2, 7)])?.at(-1), [19, 8]);
	const many = Array.from({ length: 20_000 }, (_, at) => part(at % 19, (at % 19) + 1));
	t.equal(answer("bytes=0-", many)?.[3], text);
});

t.test("a response that was cut off adds the bytes received", async (t) => {
	const [left, rest] = [part(0, 19, { end: "client", came: 7 }), part(5, 19)];
	t.same(answer("bytes=0-", [left, rest]), [2.5, 206, "bytes 0-19/20", text, "server", [0, 1]]);
	const whole = part(0, 19, { statusCode: 200, end: "cut", came: 7 });
	t.same(answer(null, [whole, rest]), [2.5, 200, null, text, "server", [0, 1]], "of the complete representation too");
	t.same(answer("bytes=2-11", [part(0, 4), part(5, 19, { end: "client", came: 2 })]), [
		6.5,
		206,
		"bytes 2-11/20",
		"23456",
		"client",
		[0, 1],
	]);
	t.same(
		answer("bytes=2-11", [part(0, 4), part(5, 6)]),
		[6.5, 206, "bytes 2-11/20", "23456", "cut", [0, 1]],
		"it is cut off at the end of the available bytes",
	);
});

t.test("requests that parts cannot answer", async (t) => {
	t.equal(answer("bytes=0-9", []), null);
	const gap = [part(0, 4), part(6, 19)];
	t.equal(answer("bytes=5-9", gap), null, "its first byte is missing");
	t.equal(answer(null, gap), null, "a gap in the whole");
	t.equal(answer("bytes=0-1,4-5", gap), null, "several ranges");
	t.equal(answer("bytes=20-", gap), null, "beyond the end");
	t.equal(answer("bytes=0-9", [part(0, 4), part(5, 19)], { method: "POST" }), null);
});

t.test("parts that can be combined", async (t) => {
	const version = (...fields: [string, string][]) => part(0, 4, { fields })?.representation ?? null;
	const DATE: [string, string] = ["Last-Modified", "Wed, 01 Jan 2020 00:00:00 GMT"];
	const other: [string, string] = ["Last-Modified", "Thu, 02 Jan 2020 00:00:00 GMT"];
	t.equal(version(ETAG, DATE), version(ETAG, other), "a strong tag is sufficient");
	t.not(version(ETAG), version(["ETag", '"e2"']));
	t.equal(version(DATE), version(DATE));
	t.not(version(DATE), version(other));
	t.not(version(["ETag", 'W/"e1"'], DATE), version(["ETag", 'W/"e2"'], DATE));
	t.not(version(ETAG), version(ETAG, ["Content-Encoding", "gzip"]));
	t.equal(version(["ETag", 'W/"e1"']), null, "a weak tag alone is not sufficient");
	t.equal(version(), null);
	const response = (headers: [string, string][], body: string, statusCode = 206) =>
		httpFlow({ response: { statusCode, headers, body } }).response as Response;
	const of = (made: Response, end: FlowEnd = "server") => storedPartOf({ conditions: null, response: made, end });
	t.equal(of(response([ETAG, ["Content-Range", "bytes 0-4/*"]], "01234")), null, "of an unknown size");
	t.equal(
		of(response([ETAG, ["Content-Range", "bytes 0-4/20"]], "0123")),
		null,
		"the body does not match Content-Range",
	);
	t.equal(of(response([ETAG, ["Content-Length", "5"]], "01234", 200)), null, "a complete recording needs no others");
	t.equal(of(response([ETAG], "01234", 200), "cut"), null, "of an unknown length");
	t.equal(of(response([ETAG, ["Content-Length", "50"]], "01234", 404), "cut"), null);
});
