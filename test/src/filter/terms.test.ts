// Every operator on every kind of flow. Query plans never contradict the tests.
import { join } from "node:path";
import t from "tap";
import { dnsFlow, httpFlow, tcpFlow, udpFlow, websocketFlow } from "../../../fixtures/build-flow.ts";
import { flowsOf, storeAt, storeWith } from "../../../fixtures/stores.ts";
import { compileFilter } from "../../../src/filter/compile.ts";
import { decide } from "../../../src/filter/plan.ts";
import { filterOperators, regexFor } from "../../../src/filter/terms.ts";
import type { Flow } from "../../../src/flow/flow.ts";

/** Flows by name. A filter selects a list of names. */
const flows: Readonly<Record<string, Flow>> = {
	http: httpFlow({
		request: {
			method: "PoST",
			path: "/Api?x=1",
			body: "a=1",
			headers: [
				["Host", "shop.example"],
				["Content-Type", "application/x-www-form-urlencoded"],
				["X-Client", "curl"],
			],
		},
		response: {
			statusCode: 404,
			body: "line one\nneedle",
			headers: [
				["Content-Type", "text/html; charset=utf-8"],
				["Server", "nginx"],
			],
		},
		comment: "look\nhere",
		metadata: { user: "bob", n: 1 },
		clientConn: { peername: ["10.0.0.7", 4321] },
		serverConn: { address: ["shop.example", 443] },
	}),
	open: httpFlow({
		response: null,
		error: { message: "reset", timestamp: 1 },
		clientConn: { peername: null },
		serverConn: { address: null },
	}),
	image: httpFlow({
		response: { headers: [["content-type", "xximage/png"]], body: null },
		isReplay: "response",
		marked: ":star:",
	}),
	capital: httpFlow({ response: { headers: [["content-type", "IMAGE/png"]] }, isReplay: "request" }),
	socket: websocketFlow(),
	tcp: tcpFlow({ error: { message: "x", timestamp: 1 } }),
	udp: udpFlow(),
	dns: dnsFlow(),
	asked: dnsFlow({ response: null, request: { questions: [{ name: "Other.test", type: 1, class: 1 }] } }),
};
const all = Object.keys(flows).join(" ");
const selected = (filter: string) => {
	const { matches } = compileFilter(filter);
	return Object.keys(flows)
		.filter((name) => matches(flows[name] as Flow))
		.join(" ");
};

t.test("operators", async (t) => {
	const cases: Record<string, string> = {
		"~all": all,
		"~http": "http open image capital socket",
		"~websocket": "socket",
		"~tcp": "tcp",
		"~udp": "udp",
		"~dns": "dns asked",
		"~q": "open asked",
		"~s": "http image capital socket dns",
		"~e": "open tcp",
		"~marked": "image",
		"~replay": "image capital",
		"~replayq": "capital",
		"~replays": "image",
		"~a": "image",
		"~c 404": "http",
		"~c 4xx": "http",
		"~c 400-404": "http",
		"~c >403": "http",
		"~c >404": "",
		"~c <=101": "socket",
		"~c <101": "",
		"~c 404-400": "",
		"~c 101": "socket",
		"~u api": "http",
		"api\\?x": "http",
		"~u example\\.com": "open image capital socket dns",
		"~u other": "asked",
		"!~u example": "tcp udp asked",
		"~d shop": "http",
		"~d ^example\\.com$": "http open image capital socket",
		"!~d .": "tcp udp dns asked",
		"~m ^post$": "http",
		"~m get": "open image capital socket",
		"~src ^10\\.0\\.0\\.7:4321$": "http",
		"~src 127": "image capital socket tcp udp dns asked",
		"~dst shop.*:443$": "http",
		"~dst :80": "image capital socket tcp udp dns asked",
		"~h ^x-client": "http",
		'~h "^server: ng"': "http",
		"~hq server": "",
		"~hs server": "http",
		"~hq upgrade": "socket",
		"~t html": "http",
		"~t urlencoded": "http",
		"~tq html": "",
		"~tq urlencoded": "http",
		"~ts urlencoded": "",
		"~ts ^text": "http",
		"~b needle": "http",
		"~b one.needle": "http",
		"~bq needle": "",
		"~bs needle": "http",
		"~bq a=1": "http",
		"~b hello": "capital tcp udp",
		"~b pong": "socket",
		"~b 192": "dns",
		"~b ''": "http open image capital socket tcp udp dns asked",
		"~bs ''": "http capital socket tcp udp dns",
		"~marker star": "image",
		"~marker ^$": "http open capital socket tcp udp dns asked",
		"~comment ^here": "http",
		"~comment look$": "http",
		"~comment .": "http",
		'~meta "user: bob"': "http",
		'~meta "^n: 1$"': "http",
		"~meta .": "http",
	};
	for (const [filter, wanted] of Object.entries(cases)) t.equal(selected(filter), wanted, filter);
});

t.test("the table", async (t) => {
	const codes = filterOperators.map(({ code }) => code);
	t.equal(new Set(codes).size, codes.length);
	t.same(
		codes.sort().join(" "),
		"a all b bq bs c comment d dns dst e h hq hs http m marked marker meta q replay replayq replays s src t tcp tq ts u udp websocket",
		"the operators of mitmproxy, no more and no fewer",
	);
	for (const { help, words } of filterOperators) t.ok(help.length > 5 && words.length > 3);
	const operator = filterOperators.find(({ code }) => code === "h");
	if (operator?.argument !== "pattern") throw new Error("~h takes a pattern");
	t.ok(regexFor(operator, "^x", false).test("a\nX"), "at every line, ignoring case");
	t.notOk(regexFor(operator, "^x", true).test("a\nX"));
});

t.test("plans never contradict the test on the flow", async (t) => {
	const columnsOf = (flow: Flow) => {
		const request = flow.type === "http" ? flow.request : null;
		return {
			kind: flow.type,
			method: request?.method ?? null,
			scheme: request?.scheme ?? null,
			host: request?.host ?? null,
			port: request?.port ?? null,
			pretty_host: request?.prettyHost ?? null,
			path: request?.path ?? null,
			status: flow.type === "http" ? (flow.response?.statusCode ?? null) : null,
			is_replay: flow.isReplay,
			marked: flow.marked,
			has_error: flow.error === null ? 0 : 1,
			has_websocket: flow.type === "http" && flow.websocket !== null ? 1 : 0,
		};
	};
	const international = httpFlow({
		request: { host: "xn--mnchen-3ya.de", httpVersion: "HTTP/2.0", authority: "xn--mnchen-3ya.de", headers: [] },
	});
	let certain = 0;
	for (const operator of filterOperators) {
		const arguments_ =
			operator.argument === "none"
				? [""]
				: operator.argument === "number"
					? [" 404", " 7", " 4xx", " >=400", " 100-199"]
					: [" shop", " ^example", " mün", " xn", " ^$", " post", " star", " ."];
		for (const argument of arguments_) {
			const filter = compileFilter(`~${operator.code}${argument}`);
			for (const flow of [...Object.values(flows), international]) {
				const columns: Readonly<Record<string, string | number | null>> = columnsOf(flow);
				const decision = decide(filter.plan, { columnOf: (column) => columns[column] ?? null });
				if (decision === null) continue;
				certain++;
				t.equal(decision, filter.matches(flow), `${filter.pattern} on ${flow.type}`);
			}
		}
	}
	t.ok(certain > 500, `${certain} answers`);
});

t.test("~d matches a host in every spelling", async (t) => {
	const path = join(t.testdir(), "a.tape");
	const hosts = ["127.1", "::ffff:127.0.0.1", "127.0.0.1.", "shop.test.", "other.test"];
	await storeWith(
		path,
		hosts.map((host) => httpFlow({ request: { host } })),
	);
	const store = storeAt(path, "read");
	for (const [text, count] of [
		["~d ^127\\.0\\.0\\.1$", 3],
		["~d ^shop\\.test$", 1],
		["!~d ^shop\\.test$", 4],
		["~d ^127\\.1$", 1],
	] as const) {
		const filter = compileFilter(text);
		t.equal(hosts.filter((host) => filter.matches(httpFlow({ request: { host } }))).length, count, text);
		t.equal((await flowsOf(store, { filter })).length, count, `${text} on a tape`);
	}
	await store.close();
});
