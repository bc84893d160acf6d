// Misses as annotations of GitHub Actions.
import t from "tap";
import { annotations } from "../../../commands/print/annotations.ts";
import type { Miss } from "../../../src/hooks/context.ts";

const miss = (url: string): Miss => ({
	id: "m",
	method: "GET",
	url,
	session: null,
	policy: "404",
	explanation: "No recording: 100%\nNearest\r\n",
	nearest: null,
});

t.test("one line each, escaped", (t) => {
	t.equal(
		annotations([miss("http://a.test/?a,b")], []),
		"::warning title=No recording for GET http%3A//a.test/?a%2Cb::No recording: 100%25%0ANearest\n",
	);
	t.equal(
		annotations(
			[miss("x")],
			[
				{ kind: "miss", message: "1 missed" },
				{ kind: "egress", message: "a.test:80" },
			],
		),
		"::error title=No recording for GET x::No recording: 100%25%0ANearest\n::error title=flowtape%3A egress::a.test:80\n",
	);
	t.equal(annotations([], []), "");
	t.end();
});

t.test("at most as many as GitHub shows", (t) => {
	t.equal(
		annotations(
			Array.from({ length: 30 }, () => miss("x")),
			[],
		).split("\n").length,
		11,
	);
	t.end();
});
