// Node runs the scripts, with a module "k6/http" that stores the requests.

import vm from "node:vm";
import t from "tap";
import { httpRequest } from "../../../fixtures/build-flow.ts";
import { k6Begin, k6Call, k6End } from "../../../src/export/k6.ts";
import { Headers } from "../../../src/flow/headers.ts";
import type { Request } from "../../../src/flow/message.ts";

type Sent = [
	method: string,
	url: string,
	body: unknown,
	options: { headers: Record<string, string>; redirects: number },
];

/** Runs a script once, as k6 does, with a `k6/http` that only keeps the calls. */
function run(...requests: Request[]): Sent[] {
	const sent: Sent[] = [];
	const script = `${k6Begin}${requests.map((request) => k6Call(request)).join("")}${k6End}`;
	t.match(script, /^[\t\n -~]+$/, "printable ASCII");
	const code = script.replace('import http from "k6/http";', "").replace("export default function ()", "(function ()");
	vm.runInNewContext(`${code.trimEnd()})()`, { http: { request: (...call: Sent) => void sent.push(call) } });
	return sent;
}

const bytesOf = (body: unknown) =>
	body === null ? "" : typeof body === "string" ? body : Buffer.from(body as ArrayBuffer).latin1Slice();

t.test("method, URL, headers and body of hostile requests are unchanged", async (t) => {
	for (const piece of ['"', "'", "`", "\\", "$" + "{1}", "$(id)", "\\u0041", "</script>", "*/", "//", "-x", "--"]) {
		const request = httpRequest({
			method: "POST",
			path: `/a?q=${piece}`,
			headers: new Headers(["Host", "example.com", "X-Value", `v${piece}v`, "__proto__", "p", "Connection", "close"]),
			body: Buffer.from(`b${piece}\n\0\x80\xff`, "latin1"),
		});
		const [[method, url, body, { headers, redirects }]] = run(request) as [Sent];
		t.same(
			[method, url, bytesOf(body), redirects],
			["POST", `http://example.com/a?q=${piece}`, `b${piece}\n\0\x80\xff`, 0],
		);
		t.same(
			Object.entries(headers),
			[
				["X-Value", `v${piece}v`],
				["__proto__", "p"],
			],
			piece,
		);
	}
	t.equal(bytesOf(run(httpRequest({ method: "PUT", body: 'text "quoted"\r\n' }))[0]?.[2]), 'text "quoted"\r\n');
	t.same(
		run(httpRequest({ path: "/1" }), httpRequest({ path: "/2", headers: [["Host", "other.test"]] })).map(
			([, url, body, { headers }]) => [url, body, { ...headers }],
		),
		[
			["http://example.com/1", null, {}],
			["http://example.com/2", null, { Host: "other.test" }],
		],
	);
});

t.test("requests that k6 cannot send are errors or noted", async (t) => {
	const notes: string[] = [];
	k6Call(httpRequest({ headers: new Headers(["X-Bytes", "\xff"]) }), (note) => notes.push(note));
	t.match(notes, [/"X-Bytes" is left out/]);
	for (const path of ["/a/../b", "*"]) t.throws(() => k6Call(httpRequest({ path })), { code: "FT_LOSS" }, path);
	t.throws(() => k6Call(httpRequest({ method: "get" })), { code: "FT_LOSS" });
});
