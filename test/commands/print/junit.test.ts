// JUnit reports.
import t from "tap";
import { junitXml, missCases } from "../../../commands/print/junit.ts";
import type { Miss } from "../../../src/hooks/context.ts";

const miss = (explanation: string): Miss => ({
	id: "m",
	method: "GET",
	url: "http://a.test/?a&b",
	session: null,
	policy: "404",
	explanation,
	nearest: null,
});

t.test("a failed case for each miss", (t) => {
	const xml = junitXml(
		"replay",
		missCases([miss('<no> "recording"\n\u0000\ud800')], 3, [
			{ kind: "miss", message: "3 missed" },
			{ kind: "unused", message: "2 recordings" },
		]),
	);
	t.match(xml, '<testsuite name="flowtape replay" tests="3" failures="3" errors="0" skipped="0">');
	t.match(
		xml,
		'<testcase classname="flowtape.replay" name="GET http://a.test/?a&amp;b">\n\t\t\t<failure message="no recording">&lt;no&gt; &quot;recording&quot;\n\ufffd\ufffd</failure>',
	);
	t.match(xml, 'name="2 more requests"');
	t.match(xml, '<testcase classname="flowtape.replay" name="unused">\n\t\t\t<failure message="2 recordings">');
	t.end();
});

t.test("a passed case if there was no miss", (t) => {
	t.match(junitXml("replay", missCases([], 0, [])), /tests="1" failures="0"[\s\S]*<testcase [^>]*\/>/);
	t.end();
});

t.test("cases that failed, were skipped and passed", (t) => {
	const xml = junitXml("compare", [
		{ name: "a", failure: { message: "m", text: "t" } },
		{ name: "b", skipped: "w" },
		{ name: "c" },
	]);
	t.match(xml, '<testsuite name="flowtape compare" tests="3" failures="1" errors="0" skipped="1">');
	t.match(xml, '<testcase classname="flowtape.compare" name="b">\n\t\t\t<skipped message="w"/>\n\t\t</testcase>\n');
	t.match(xml, '<testcase classname="flowtape.compare" name="c"/>\n');
	t.end();
});
