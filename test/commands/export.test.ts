// `flowtape export` prints flows for other tools.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { command } from "../../commands/export.ts";
import { httpFlow, tcpFlow } from "../../fixtures/build-flow.ts";
import { runCaptured } from "../../fixtures/run-captured.ts";
import { writeTape } from "../../fixtures/tape-files.ts";

t.test("each format, for named flows", async (t) => {
	const folder = t.testdir();
	const tape = join(folder, "a.tape");
	const file = join(folder, "out");
	await writeTape(tape, [
		httpFlow({ id: "aaaa" }),
		httpFlow({ id: "bbbb", request: { path: "/b" }, response: { body: "hello" } }),
		tcpFlow({ id: "cccc" }),
	]);
	const exported = async (format: string, ...ids: string[]) => {
		writeFileSync(file, "");
		const { status, err } = await runCaptured(command, [format, tape, ...ids, "-o", file]);
		return { status, err, text: readFileSync(file, "utf8") };
	};
	t.match(await exported("curl", "b"), { status: 0, text: /^curl http:\/\/example\.com\/b / });
	t.match(await exported("httpie", "b"), { status: 0, text: /^http --ignore-stdin -- GET http:\/\/example\.com\/b/ });
	t.match(await exported("fetch", "b"), { status: 0, text: /^await fetch\("http:\/\/example\.com\/b"/ });
	t.match(await exported("python", "b"), {
		status: 0,
		text: /^import requests\n[\s\S]*\nrequest\.url = "http:\/\/example\.com\/b"\n/,
	});
	t.match(await exported("powershell", "b"), {
		status: 0,
		text: /^Invoke-WebRequest -Uri 'http:\/\/example\.com\/b' `\n/,
	});
	const k6 = await exported("k6", "a", "b");
	t.match(k6, { status: 0, text: /^import http from "k6\/http";\n[\s\S]*com\/"[\s\S]*com\/b"[\s\S]*\n}\n$/ });
	t.equal(k6.text.split("export default").length, 2, "one script for all requests");
	writeFileSync(join(folder, "script.mjs"), k6.text);
	t.equal(spawnSync(process.execPath, ["--check", join(folder, "script.mjs")]).status, 0);
	const openapi = await exported("openapi", "-f", "~u /b$");
	t.match({ ...openapi, ...JSON.parse(openapi.text) }, { status: 0, openapi: "3.1.0", paths: { "/b": { get: {} } } });
	t.match(await exported("raw-request", "b"), { status: 0, text: /^GET \/b HTTP\/1\.1\r\n/ });
	t.match(await exported("raw-response", "b"), { status: 0, text: /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nhello$/ });
	t.match(await exported("raw", "a", "b"), { status: 0, text: /^GET \/ [\s\S]*GET \/b / });
	t.match(await exported("curl", "c"), { err: /flow cccc is left out: it is tcp/ });
	t.match(await exported("curl", "dddd"), { status: 1, err: /no flow whose id begins with dddd/ });
	t.match((await exported("curl", "-f", "~u /b$")).text, /^curl http:\/\/example\.com\/b [\s\S]*\n$/);
	t.match(await exported("curl", "-f", "~u /none"), { status: 1, text: "" });
	t.match(await exported("curl", "-f", "~("), { status: 2 });
	t.match(await exported("har", "-f", "~u /b$"), { status: 0, text: /"url":\s*"http:\/\/example\.com\/b"/ });
	t.match(await exported("wget"), { status: 2, err: /expected one of curl, httpie/ });
	t.match(await runCaptured(command, ["curl", tape, "-o", tape]), { status: 2, err: /a\.tape would be overwritten/ });
});

t.test("an incomplete message is exported, and reported on stderr", async (t) => {
	const folder = t.testdir();
	const tape = join(folder, "a.jsonl");
	const error = { message: "Client disconnected.", timestamp: 1 };
	const request = {
		method: "POST",
		timestampEnd: null,
		headers: [["Content-Length", "9"]] as [string, string][],
		body: "half",
	};
	await writeTape(tape, [
		httpFlow({ id: "aaaa", request, response: null, error }),
		httpFlow({ id: "bbbb", ended: "cut" }),
		httpFlow({ id: "cccc" }),
	]);
	const said = async (format: string) => {
		const { status, err } = await runCaptured(command, [format, tape, "-o", join(folder, "out")]);
		return { status, err: err.trimEnd().split("\n") };
	};
	const [ofRequest, ofResponse] = [
		"flowtape: flow aaaa: its request is incomplete: its body was cut off",
		"flowtape: flow bbbb: its response is incomplete: it was cut off",
	];
	for (const format of ["curl", "httpie", "fetch", "raw-request"])
		t.same(await said(format), { status: 0, err: [ofRequest] }, format);
	t.same(await said("raw"), { status: 0, err: [ofRequest, ofResponse] });
	t.same(await said("raw-response"), {
		status: 0,
		err: ["flowtape: flow aaaa is left out: there is no response", ofResponse],
	});
	t.match(readFileSync(join(folder, "out"), "utf8"), "hello");
});
