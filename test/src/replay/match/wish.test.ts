// What a request asks for besides what its key holds.
import t from "tap";
import { httpRequest } from "../../../../fixtures/build-flow.ts";
import { hasSameConditions, isNotBefore, isSameRange, NO_WISH, tagsOf, wishOf } from "../../../../src/replay/match/wish.ts";

t.test("most ask for nothing", (t) => {
	t.equal(
		wishOf(
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
	t.match(wishOf(httpRequest({ headers: [["RANGE", "bytes=0-1"]] })), { range: "bytes=0-1", ifRange: null, ifNoneMatch: null });
	t.match(
		wishOf(
			httpRequest({
				headers: [
					["if-none-match", '"a"'],
					["If-None-Match", '"b"'],
				],
			}),
		),
		{ ifNoneMatch: '"a", "b"' },
	);
	for (const name of ["If-Match", "If-Range", "If-Modified-Since", "If-Unmodified-Since", "Access-Control-Request-Method"])
		t.not(wishOf(httpRequest({ headers: [[name, "x"]] })), null, name);
	t.end();
});

t.test("the same range, the same conditions", (t) => {
	t.ok(isSameRange(null, null));
	t.ok(isSameRange("bytes=0-1", "Bytes = 0-1"));
	t.notOk(isSameRange("bytes=0-1", null));
	t.same(tagsOf('W/"a", "b,c" , *, d'), ['"a"', '"b,c"', "*", "d"]);
	const [before, after] = ["Wed, 01 Jan 2020 00:00:00 GMT", "Thu, 02 Jan 2020 00:00:00 GMT"];
	t.ok(isNotBefore(after, before));
	t.notOk(isNotBefore(before, after));
	t.notOk(isNotBefore("never", before));
	t.ok(hasSameConditions({ ...NO_WISH, ifMatch: '"a", "b"' }, { ...NO_WISH, ifMatch: '"b","a"' }));
	t.notOk(hasSameConditions({ ...NO_WISH, ifMatch: '"a"' }, { ...NO_WISH, ifMatch: '"b"' }));
	t.notOk(hasSameConditions(NO_WISH, { ...NO_WISH, ifMatch: '"b"' }));
	t.ok(hasSameConditions({ ...NO_WISH, ifUnmodifiedSince: after }, { ...NO_WISH, ifUnmodifiedSince: before }), "it was moved");
	t.end();
});
