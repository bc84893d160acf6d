// The request as received, beside the one that rules changed.
import t from "tap";
import { httpFlow } from "../../../../fixtures/build-flow.ts";
import type { Request } from "../../../../src/flow/message.ts";
import { dropUnchangedOriginal, originalOf } from "../../../../src/proxy/exchange/original.ts";

function settled(change: (request: Request) => void) {
	const flow = httpFlow({
		request: {
			headers: [
				["Host", "a.test"],
				["Proxy-Authorization", "Basic eDp5"],
			],
			body: "as it came",
		},
	});
	flow.original = originalOf(flow.request);
	change(flow.request);
	dropUnchangedOriginal(flow);
	return flow.original;
}

t.test("it is kept only if something has changed", (t) => {
	t.equal(
		settled(() => {}),
		null,
	);
	t.equal(
		settled(({ headers }) => headers.delete("proxy-authorization")),
		null,
		"what is said to the proxy alone is no part of it",
	);
	const changes: ((request: Request) => void)[] = [
		(request) => {
			request.method = "PUT";
		},
		(request) => {
			request.url = "http://b.test/other";
		},
		({ headers }) => headers.set("host", "b.test"),
		({ headers }) => headers.add("x-new", "1"),
		(request) => {
			request.text = "changed";
		},
	];
	for (const change of changes) {
		const original = settled(change);
		t.match(original, { method: "GET", path: "/" });
		t.equal(original?.text, "as it came");
		t.notOk(original?.headers.has("proxy-authorization"));
	}
	t.end();
});
