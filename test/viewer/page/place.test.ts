// A place survives the way through a link.
import t from "tap";
import { formatPlace, type Place, parsePlace, START } from "../../../viewer/page/place.ts";

t.test("every place", async (t) => {
	const places: Place[] = [
		START,
		{ ...START, q: '~c 500 & ~u "a b%&#+é"', sort: "-duration" },
		{ ...START, time: [1700000000.5, 1700000001], seq: 41, tab: "compare", view: "hex", other: 7 },
	];
	for (const place of places) t.same(parsePlace(formatPlace(place)), place, formatPlace(place));
	t.equal(formatPlace(START), "#/");
});

t.test("fragments that are no place", async (t) => {
	for (const text of ["", "#", "#/?flow=x&tab=nothing&time=1", "#token=abc", "#/?flow=99999999999999999999"])
		t.same(parsePlace(text), START, text);
});
