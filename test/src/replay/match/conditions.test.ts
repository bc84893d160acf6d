// Ranges and conditions of requests.
import t from "tap";
import { httpRequest } from "../../../../fixtures/build-flow.ts";
import {
	conditionsOf,
	hasSameConditions,
	isNotBefore,
	isSameRange,
	NO_CONDITIONS,
	tagsOf,
} from "../../../../src/replay/match/conditions.ts";

t.test("most requests have none", (t) => {
	t.equal(
		conditionsOf(
			httpRequest({
				headers: [
					["Host", "a.test"],
					["Referer", "x"],
					["If", "y"],
					["Ranger", "z"],
				],
			}),
		),
		null,
	);
	t.match(conditionsOf(httpRequest({ headers: [["RANGE", "bytes=0-1"]] })), {
		range: "bytes=0-1",
		ifRange: null,
		ifNoneMatch: null,
	});
	t.match(
		conditionsOf(
			httpRequest({
				headers: [
					["if-none-match", '"a"'],
					["If-None-Match", '"b"'],
				],
			}),
		),
		{ ifNoneMatch: '"a", "b"' },
	);
	for (const name of [
		"If-Match",
		"If-Range",
		"If-Modified-Since",
		"If-Unmodified-Since",
		"Access-Control-Request-Method",
	])
		t.not(conditionsOf(httpRequest({ headers: [[name, "x"]] })), null, name);
	t.end();
});

t.test("equal ranges and equivalent conditions", (t) => {
	t.ok(isSameRange(null, null));
	t.ok(isSameRange("bytes=0-1", "Bytes = 0-1"));
	t.notOk(isSameRange("bytes=0-1", null));
	t.same(tagsOf('W/"a", "b,c" , *, d'), ['"a"', '"b,c"', "*", "d"]);
	const [before, after] = ["Wed, 01 Jan 2020 00:00:00 GMT", "Thu, 02 Jan 2020 00:00:00 GMT"];
	t.ok(isNotBefore(after, before));
	t.notOk(isNotBefore(before, after));
	t.notOk(isNotBefore("never", before));
	t.ok(hasSameConditions({ ...NO_CONDITIONS, ifMatch: '"a", "b"' }, { ...NO_CONDITIONS, ifMatch: '"b","a"' }));
	t.notOk(hasSameConditions({ ...NO_CONDITIONS, ifMatch: '"a"' }, { ...NO_CONDITIONS, ifMatch: '"b"' }));
	t.notOk(hasSameConditions(NO_CONDITIONS, { ...NO_CONDITIONS, ifMatch: '"b"' }));
	t.ok(
		hasSameConditions({ ...NO_CONDITIONS, ifUnmodifiedSince: after }, { ...NO_CONDITIONS, ifUnmodifiedSince: before }),
		"it was moved",
	);
	t.end();
});
