// The possible URLs of a stored flow include the URL that filters match.
import { join } from "node:path";
import t from "tap";
import { dnsFlow, httpFlow, tcpFlow } from "../../../../fixtures/build-flow.ts";
import { flowsOf, storeAt, storeWith } from "../../../../fixtures/stores.ts";
import { compileFilter } from "../../../../src/filter/compile.ts";
import { filteredUrl } from "../../../../src/filter/subjects.ts";
import type { Flow } from "../../../../src/flow/flow.ts";
import { storedUrls, URL_COLUMNS, type UrlRow } from "../../../../src/store/record/stored-urls.ts";
import { TapeDatabase } from "../../../../src/store/sqlite/database.ts";

const hosts = [
	"a.test",
	"A.test:8080",
	"a.test:99999",
	"[::1]:81",
	"xn--bcher-kva.test",
	"b\u00fccher.test:1",
	"",
	"a.test:0080",
];
const flows: Flow[] = [
	...[null, ...hosts].flatMap((named) =>
		[80, 443, 3000].flatMap((port) =>
			["http", "https"].map((scheme) =>
				httpFlow({
					request: {
						host: "a.test",
						port,
						scheme,
						path: `/p/${port}?q=caf%C3%A9#part`,
						headers: [
							...(named === null ? [] : [["Host", named] as const]),
							["Referer", "http://a.test:4000/from"] as const,
						],
					},
				}),
			),
		),
	),
	httpFlow({ request: { httpVersion: "HTTP/2.0", authority: "a.test:8443", port: 8443, scheme: "https" } }),
	httpFlow({ request: { method: "CONNECT", authority: "a.test:443", path: "" } }),
	httpFlow({ request: { method: "OPTIONS", path: "*" } }),
	tcpFlow({}),
	dnsFlow({}),
];

t.test("the filtered URL is among the stored ones, or they are not known", async (t) => {
	const path = join(t.testdir(), "a.tape");
	await storeWith(path, flows);
	const db = new TapeDatabase(path, "read", false);
	const rows = db.all<UrlRow>(`SELECT ${URL_COLUMNS.join(", ")} FROM flow ORDER BY seq`);
	db.close();
	t.equal(rows.length, flows.length);
	let known = 0;
	for (const [index, row] of rows.entries()) {
		const urls = storedUrls(row);
		const url = filteredUrl(flows[index] as Flow);
		if (urls === undefined) continue;
		known++;
		if (url === null) t.same(urls, []);
		else t.ok(urls.includes(url), `${url} is one of ${urls.join(" ")}`);
	}
	t.ok(known > flows.length / 2, `${known} of ${flows.length} are known`);
});

t.test("filters by URL select the same flows from a tape as from memory", async (t) => {
	const path = join(t.testdir(), "a.tape");
	await storeWith(path, flows);
	const store = storeAt(path, "read");
	for (const text of [
		"~u 8080",
		"~u /p/",
		"!~u :80",
		"~u 4000 | ~c 500",
		"~u ^https://a.test/",
		"~u \\[",
		"~u example",
		"~u b.cher",
		"~u #",
	]) {
		const filter = compileFilter(text);
		const wanted = flows.filter((flow) => filter.matches(flow)).map(({ id }) => id);
		t.same(
			(await flowsOf(store, { filter })).map(({ id }) => id),
			wanted,
			text,
		);
		t.equal(await store.count(filter), wanted.length, text);
	}
	await store.close();
});
