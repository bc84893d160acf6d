// Content negotiation (RFC 9110 section 12.5).
import t from "tap";
import { acceptsCoding, prefersJson } from "../../../../src/replay/answer/accept.ts";

t.test("content codings", (t) => {
	const cases: [accept: string | null, coding: string, accepted: boolean][] = [
		[null, "br", true],
		["gzip, deflate", "gzip", true],
		["gzip, deflate", "br", false],
		["GZIP;q=0.5", "gzip", true],
		["gzip;q=0", "gzip", false],
		["*", "br", true],
		["*;q=0, gzip", "br", false],
		["br;q=0, *", "br", false],
		["", "gzip", false],
		["", "identity", true],
		["identity", "gzip", false],
		["gzip, br", "gzip, br", true],
		["gzip", "gzip, br", false],
		["x-gzip", "gzip", true],
	];
	for (const [accept, coding, accepted] of cases)
		t.equal(acceptsCoding(accept, coding), accepted, `${accept}: ${coding}`);
	t.end();
});

t.test("JSON preferred to text", (t) => {
	for (const accept of [
		"application/json",
		"application/json, text/plain, */*",
		"application/problem+json",
		"text/plain;q=0.5, application/json",
	])
		t.ok(prefersJson(accept), accept);
	for (const accept of [null, "", "*/*", "text/html", "text/plain, application/json;q=0.9", "application/json;q=0"])
		t.notOk(prefersJson(accept), `${accept}`);
	t.end();
});
