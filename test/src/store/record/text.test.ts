// Any text is restored, and the stored text is well-formed.
import fc from "fast-check";
import t from "tap";
import { fromStored, toStored } from "../../../../src/store/record/text.ts";

t.test("well-formed text is stored unchanged", async (t) => {
	for (const text of ["", "plain", "é世🍇", "\0\ue000\uffff"]) t.equal(toStored(text), text);
});

t.test("invalid bytes and lone surrogates", async (t) => {
	for (const text of ["a\udcff", "\ud800", "\udc00\ud83c", "\ufffe", "\ufffe\ue000", "\udcff\ufffe\ud83c\udf47"]) {
		t.not(toStored(text), text);
		t.ok(toStored(text).isWellFormed());
		t.equal(fromStored(toStored(text)), text);
	}
	const unit = fc.constantFrom(
		"a",
		"\ud800",
		"\udbff",
		"\udc00",
		"\udcff",
		"\udfff",
		"\ufffe",
		"\ue000",
		"\ue7ff",
		"🍇",
	);
	fc.assert(
		fc.property(
			fc.array(unit).map((units) => units.join("")),
			(text) => toStored(text).isWellFormed() && fromStored(toStored(text)) === text,
		),
		{ seed: 3, numRuns: 2000 },
	);
});
