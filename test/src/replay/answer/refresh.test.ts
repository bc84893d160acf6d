// Refreshes dates: each keeps its distance to the time of recording.
import { gunzipSync, gzipSync } from "node:zlib";
import t from "tap";
import { httpResponse, STARTED } from "../../../../fixtures/build-flow.ts";
import { compileRefresh, findDates, moveDates, refreshResponse } from "../../../../src/replay/answer/refresh.ts";

const DATE = "Tue, 14 Nov 2023 22:13:20 GMT";
const LATER = "Tue, 14 Nov 2023 22:14:20 GMT";

/** The values of headers, refreshed a minute after the recording. */
function refreshed(headers: [string, string][], also: string[] = []): string[] {
	const response = httpResponse({ headers, timestampStart: STARTED });
	refreshResponse(response, STARTED + 60, compileRefresh(also));
	return [...response.headers].map(([, value]) => value);
}

t.test("Date, Expires and Last-Modified in all notations, each in place", (t) => {
	t.same(
		refreshed([
			["Date", DATE],
			["expires", "Tuesday, 14-Nov-23 22:13:20 GMT"],
			["LAST-MODIFIED", "Tue Nov 14 22:13:20 2023"],
			["Date", DATE],
			["X-Date", DATE],
		]),
		[LATER, LATER, LATER, LATER, DATE],
	);
	t.end();
});

t.test("only the expiry of cookies changes; the rest stays byte for byte", (t) => {
	t.same(
		refreshed([
			["Set-Cookie", `a="b c" ;  Expires=${DATE};Path=/;; HttpOnly`],
			["set-cookie", `a=1; expires=${DATE}, b=2; max-age=9; expires=${DATE}`],
			["Set-Cookie", "a=1; expires=never"],
		]),
		[
			`a="b c" ;  Expires=${LATER};Path=/;; HttpOnly`,
			`a=1; expires=${LATER}, b=2; max-age=9; expires=${LATER}`,
			"a=1; expires=never",
		],
	);
	t.end();
});

t.test("invalid dates stay unchanged", (t) => {
	const values = ["0", "-1", "", "2023-11-14T22:13:20Z", "Tue, 14 Nov 2023"];
	t.same(refreshed(values.map((value) => ["Expires", value])), values);
	t.same(
		moveDates(["Date", DATE], findDates(["Date", DATE]), 1e12),
		["Date", DATE],
		"a date whose year would not have four digits",
	);
	t.end();
});

t.test("more headers by name", (t) => {
	const headers: [string, string][] = [
		["Retry-After", DATE],
		["retry-after", "120"],
		["Sunset", DATE],
	];
	t.same(refreshed(headers), [DATE, "120", DATE]);
	t.same(refreshed(headers, ["retry-after", "SUNSET"]), [LATER, "120", LATER]);
	t.end();
});

t.test("dates in JSON bodies, also in coded ones", (t) => {
	const text = '{"expires_at": "2023-11-14T22:13:20.5Z", "other": 1700000000}';
	const response = httpResponse({
		headers: [["Content-Encoding", "gzip"]],
		body: gzipSync(text),
		timestampStart: STARTED,
	});
	refreshResponse(response, STARTED + 60, compileRefresh(["/expires_at"]));
	t.equal(
		gunzipSync(response.rawContent ?? Buffer.alloc(0)).toString(),
		'{"expires_at": "2023-11-14T22:14:20.5Z", "other": 1700000000}',
	);
	t.equal(response.headers.get("content-length"), String(response.bodySize));
	t.end();
});

t.test("bodies that are not JSON or have no dates stay byte for byte", (t) => {
	for (const body of [gzipSync("not json"), gzipSync("{}"), Buffer.from("not gzip")]) {
		const response = httpResponse({ headers: [["Content-Encoding", "gzip"]], body, timestampStart: STARTED });
		refreshResponse(response, STARTED + 60, compileRefresh(["/a"]));
		t.equal(response.rawContent, body);
		t.same(response.headers.fields, ["Content-Encoding", "gzip"]);
	}
	t.throws(() => compileRefresh(["$.a["]), { code: "FT_BAD_OPTION", option: "server_replay_refresh_also" });
	t.end();
});
