// The compared parts of a request.
import t from "tap";
import { httpRequest } from "../../../../fixtures/build-flow.ts";
import {
	contentOf,
	headersInUse,
	hostOf,
	pathEnd,
	pathOf,
	queryPairs,
	rawQuery,
} from "../../../../src/replay/match/parts.ts";
import { compileRules } from "../../../../src/replay/match/rules.ts";

t.test("path and query are separated as in mitmproxy", (t) => {
	const cases: [path: string, whole: string, withoutParams: string, query: string][] = [
		["/a/b;x=1?q=1#f", "/a/b;x=1", "/a/b", "q=1"],
		["/a;x/b", "/a;x/b", "/a;x/b", ""],
		["/a#f?q", "/a", "/a", ""],
		["/?", "/", "/", ""],
		["*", "", "", ""],
	];
	for (const [path, whole, withoutParams, query] of cases) {
		const end = pathEnd(path);
		const pathBy = (pathParams: boolean) => pathOf(path, end, { pathParams, normal: false });
		t.same([pathBy(true), pathBy(false), rawQuery(path, end)], [whole, withoutParams, query], path);
	}
	t.equal(hostOf(httpRequest({ headers: [["Host", "EXAMPLE.com:8080"]] })), "example.com");
	t.equal(hostOf(httpRequest({ headers: [["Host", "example.com."]] })), "example.com.");
	t.equal(hostOf(httpRequest({ headers: [["Host", "example.com."]] }), { normal: true }), "example.com");
	t.equal(pathOf("/%7ea%2fb%41", 12, { pathParams: true, normal: true }), "/~a%2FbA");
	t.equal(pathOf("/\xc3\xa9", 3, { pathParams: true, normal: true }), "/%C3%A9");
	t.end();
});

t.test("compared query parameters", (t) => {
	const rules = compileRules({ server_replay_ignore_params: ["t"], server_replay_ignore_param_order: true });
	t.same(queryPairs("b=2&t=1&a=%31&a=0", rules), [
		["a", "0"],
		["a", "1"],
		["b", "2"],
	]);
	t.end();
});

t.test("compared headers", (t) => {
	const request = httpRequest({
		headers: [
			["X-B", "2"],
			["x-a", "1"],
			["X-A", "3"],
			["Cookie", "a=1; b"],
			["Content-Length", "0"],
		],
	});
	const inUse = (use: string[], cookies: string[] = []) =>
		headersInUse(request, compileRules({ server_replay_use_headers: use, server_replay_ignore_cookies: cookies }));
	t.same(inUse(["X-A", "missing"]), [
		["x-a", "1, 3"],
		["missing", null],
	]);
	t.same(inUse(["*"]), [
		["cookie", "a=1; b"],
		["x-a", "1, 3"],
		["x-b", "2"],
	]);
	t.same(inUse(["cookie"], ["a"]), [["cookie", "b="]]);
	const crumbs = httpRequest({
		headers: [
			["cookie", "a=1"],
			["cookie", "b=2"],
		],
	});
	t.same(headersInUse(crumbs, compileRules({ server_replay_use_headers: ["cookie"] })), [["cookie", "a=1; b=2"]]);
	t.end();
});

t.test("compared content of bodies", (t) => {
	const body = (text: string | null, type = "application/json") =>
		httpRequest({ method: "POST", headers: [["Content-Type", type]], body: text });
	const meaning = compileRules({ server_replay_match_content: "meaning" });
	t.same(contentOf(body("x"), compileRules({ server_replay_ignore_content: true })), { kind: "ignored" });
	t.same(contentOf(body(null), meaning), { kind: "missing" });
	t.same(contentOf(body(' {"b":"\\u0041","a":1.50}'), meaning), {
		kind: "json",
		values: [
			["", "{"],
			["/a", "1.5"],
			["/b", '"A"'],
		],
	});
	t.same(contentOf(body("[1e400,1e-400,0e5]"), meaning), {
		kind: "json",
		values: [
			["", "["],
			["/0", "1e400"],
			["/1", "1e-400"],
			["/2", "0"],
		],
	});
	t.match(contentOf(body("{]"), meaning), { kind: "bytes" });
	t.same(contentOf(body("a=1", "application/x-www-form-urlencoded"), meaning), {
		kind: "form",
		fields: [["a", "1"]],
		isMultipart: false,
	});
	t.same(contentOf(body("--q\r\n--q--", 'multipart/mixed; boundary="q"'), meaning), {
		kind: "bytes",
		body: Buffer.from("--boundary\r\n--boundary--"),
	});
	t.same(
		contentOf(
			body("a=1&b=2", "application/x-www-form-urlencoded"),
			compileRules({ server_replay_ignore_payload_params: ["a"] }),
		),
		{
			kind: "form",
			fields: [["b", "2"]],
			isMultipart: false,
		},
	);
	t.match(contentOf(body("plain"), compileRules({ server_replay_ignore_payload_params: ["a"] })), { kind: "bytes" });
	t.end();
});

t.test("a large body without content coding is not read", (t) => {
	const source = {
		size: 100 * 1024 * 1024,
		read: () => t.fail("read") as never,
		chunks: () => [],
	};
	t.same(contentOf(httpRequest({ body: source }), compileRules({ server_replay_match_content: "meaning" })), {
		kind: "bytes",
		body: source,
	});
	t.end();
});

t.test("the meaning of JSON lines, and two kinds of forms", (t) => {
	const rules = compileRules({ server_replay_match_content: "meaning", server_replay_ignore_json: ["/t"] });
	const lines = (body: string) =>
		contentOf(httpRequest({ method: "POST", headers: [["Content-Type", "application/x-ndjson"]], body }), rules);
	t.same(lines('{"a":1,"b":2}\n{"c":3,"t":1}\n'), lines('{"b":2,"a":1}\r\n\n{"t":2,"c":3}'));
	t.notSame(lines('{"a":1}\n{"c":3}'), lines('{"a":1}\n{"c":4}'));
	t.notSame(lines('{"a":1}\n{"c":3}'), lines('{"c":3}\n{"a":1}'), "the order of lines counts");
	t.equal(lines('{"a":1}\nno').kind, "bytes");
	const form = (type: string, body: string) =>
		contentOf(
			httpRequest({ method: "POST", headers: [["Content-Type", type]], body }),
			compileRules({ server_replay_ignore_payload_params: ["x"] }),
		);
	const multipart = '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--\r\n';
	t.match(form("application/x-www-form-urlencoded", "a=1"), { kind: "form", fields: [["a", "1"]], isMultipart: false });
	t.match(form("multipart/form-data; boundary=b", multipart), {
		kind: "form",
		fields: [["a", "1"]],
		isMultipart: true,
	});
	t.end();
});
