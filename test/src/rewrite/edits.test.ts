// Edits of stored flows.
import { gunzipSync, gzipSync } from "node:zlib";
import t from "tap";
import { httpFlow, tcpFlow } from "../../../fixtures/build-flow.ts";
import type { HttpFlow } from "../../../src/flow/flow.ts";
import { defaults } from "../../../src/options.ts";
import { createEdits, options } from "../../../src/rewrite/edits.ts";

async function edit(flow: HttpFlow, values: Partial<ReturnType<typeof defaults<typeof options>>>) {
	const changed: string[] = [];
	const logged: string[] = [];
	const step = createEdits(
		{ ...defaults(options), ...values },
		{ now: 2_000_000_000, onChange: (option) => changed.push(option), log: (_, line) => logged.push(line) },
	);
	await step?.(flow);
	return { flow, changed, logged };
}

t.test("no options, no edits", async (t) => {
	t.equal(createEdits(defaults(options), { now: 0 }), null);
});

t.test("status, comment, mark", async (t) => {
	const { flow, changed } = await edit(httpFlow(), { set_status: 404, set_comment: "c", mark: ":default:" });
	t.match(flow, { response: { statusCode: 404, reason: "Not Found" }, comment: "c", marked: ":default:" });
	t.same(changed, ["set-status", "set-comment", "mark"]);
	t.same((await edit(flow, { set_status: 404, set_comment: "c", mark: ":default:" })).changed, [], "once is enough");
	t.same((await edit(httpFlow({ response: null }), { set_status: 404 })).changed, []);
});

t.test("content codings are removed and applied, with correct lengths", async (t) => {
	const coded = gzipSync("hello");
	const response = {
		headers: [
			["Content-Encoding", "gzip"],
			["Content-Length", String(coded.length)],
		] as [string, string][],
		body: coded,
	};
	const { flow } = await edit(httpFlow({ response }), { decode: true });
	t.equal(flow.response?.rawContent?.toString(), "hello");
	t.same([...(flow.response?.headers ?? [])], [["Content-Length", "5"]]);
	await edit(flow, { encode: "gzip" });
	t.equal(gunzipSync(flow.response?.rawContent ?? "").toString(), "hello");
	t.equal(flow.response?.headers.get("content-length"), String(flow.response?.bodySize));
	t.same((await edit(flow, { encode: "br" })).changed, [], "a body with a content coding keeps it");
});

t.test("undecodable bodies are unchanged and reported", async (t) => {
	const { flow, changed, logged } = await edit(
		httpFlow({ response: { headers: [["Content-Encoding", "gzip"]], body: "not gzip" } }),
		{ decode: true },
	);
	t.equal(flow.response?.rawContent?.toString(), "not gzip");
	t.same(changed, []);
	t.match(logged, [/left as it is/]);
});

t.test("dates are moved to now or to a given time", async (t) => {
	const build = () =>
		httpFlow({ response: { timestampStart: 1_000_000_000, headers: [["Date", "Sun, 09 Sep 2001 01:46:40 GMT"]] } });
	const at = async (refresh: string) => (await edit(build(), { refresh })).flow.response?.headers.get("date");
	t.equal(await at("1000000060"), "Sun, 09 Sep 2001 01:47:40 GMT");
	t.equal(await at("now"), "Wed, 18 May 2033 03:33:20 GMT");
	t.same((await edit(build(), { refresh: "1000000000" })).changed, []);
	await t.rejects(edit(build(), { refresh: "soon" }), { code: "FT_BAD_OPTION", option: "refresh" });
});

t.test("named dates in headers and JSON are moved too", async (t) => {
	const headers: [string, string][] = [
		["Content-Type", "application/json"],
		["Sunset", "Sun, 09 Sep 2001 01:46:40 GMT"],
	];
	const build = (body: string) => httpFlow({ response: { timestampStart: 1_000_000_000, headers, body } });
	const values = { refresh: "1000000060", refresh_also: ["sunset", "/until"] };
	const { flow, changed } = await edit(build('{"until": 1000000000, "other": 1000000000}'), values);
	t.equal(flow.response?.headers.get("sunset"), "Sun, 09 Sep 2001 01:47:40 GMT");
	t.equal(flow.response?.rawContent?.toString(), '{"until": 1000000060, "other": 1000000000}');
	t.same(changed, ["refresh"]);
	t.same(
		(await edit(build('{"until": 1000000000}'), { ...values, refresh_also: ["/until"] })).changed,
		["refresh"],
		"a body alone counts too",
	);
	t.same((await edit(build("{}"), { ...values, refresh_also: ["/until"] })).changed, []);
	await t.rejects(edit(build("{}"), { refresh_also: ["sunset"] }), { code: "FT_BAD_OPTION", option: "refresh_also" });
	await t.rejects(edit(build("{}"), { refresh: "now", refresh_also: ["$["] }), {
		code: "FT_BAD_OPTION",
		option: "refresh_also",
	});
});

t.test("flows other than HTTP", async (t) => {
	const flow = tcpFlow();
	await createEdits({ ...defaults(options), decode: true, set_comment: "x" }, { now: 0 })?.(flow);
	t.equal(flow.comment, "x");
});

t.test("JSON values and hosts, also in the original request; dropped bodies", async (t) => {
	const json = [["Content-Type", "application/json"]] as [string, string][];
	const original = httpFlow({ request: { headers: json, body: '{"at":"https://a.test/","n":1}' } }).request;
	const flow = httpFlow({
		request: { host: "a.test", headers: json, body: '{"at":"https://a.test/","n":2}' },
		response: { headers: json, body: '{"n":3}' },
		original,
	});
	const { changed } = await edit(flow, {
		json_set: ["/n=0", "/none/x=1"],
		json_delete: ["/missing"],
		rename_host: ["a.test=b.test"],
	});
	t.same(changed, ["json-set /n=0", "rename-host a.test=b.test"]);
	t.equal(flow.original?.text, '{"at":"https://b.test/","n":0}');
	t.equal(flow.request.text, '{"at":"https://b.test/","n":0}');
	t.equal(flow.request.host, "b.test");
	t.equal(flow.response?.text, '{"n":0}');
	t.same((await edit(flow, { drop_bodies: true })).changed, ["drop-bodies"]);
	t.same([flow.original?.body, flow.request.body, flow.response?.body], [null, null, null]);
	t.equal(flow.response?.headers.get("content-length"), "7", "Content-Length stays");
	t.same((await edit(flow, { drop_bodies: true })).changed, []);
	const empty = httpFlow({ response: { body: "" } });
	t.same((await edit(empty, { drop_bodies: true })).changed, [], "an empty body stays");
	t.equal(empty.response?.rawContent?.length, 0);
});

t.test("JSON and hosts: bodies that cannot be decoded stay and are reported; other types of flows stay", async (t) => {
	const broken = () =>
		httpFlow({
			response: {
				headers: [
					["Content-Encoding", "gzip"],
					["Content-Type", "application/json"],
				],
				body: "not gzip",
			},
		});
	t.match((await edit(broken(), { json_set: ["/a=1"] })).logged, [/left as it is/]);
	t.match((await edit(broken(), { rename_host: ["a.test=b.test"] })).logged, [/left as it is/]);
	for (const values of [{ json_set: ["/a=1"] }, { rename_host: ["a=b"] }, { drop_bodies: true }])
		t.same((await edit(tcpFlow() as never, values)).changed, []);
	for (const values of [{ json_set: ["/a"] }, { json_delete: ["a"] }, { rename_host: ["a"] }])
		await t.rejects(edit(httpFlow(), values), { code: "FT_BAD_OPTION" });
});
