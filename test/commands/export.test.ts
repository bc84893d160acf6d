import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { command } from "../../commands/export.ts";
import { httpFlow, tcpFlow } from "../../fixtures/build-flow.ts";
import { runCaptured } from "../../fixtures/run-captured.ts";
import { writeTape } from "../../fixtures/tape-files.ts";

t.test("each format, for the flows that are named", async (t) => {
	const folder = t.testdir();
	const tape = join(folder, "a.tape");
	const file = join(folder, "out");
	await writeTape(tape, [httpFlow({ id: "aaaa" }), httpFlow({ id: "bbbb", request: { path: "/b" }, response: { body: "hello" } }), tcpFlow({ id: "cccc" })]);
	const exported = async (format: string, ...ids: string[]) => {
		writeFileSync(file, "");
		const { status, err } = await runCaptured(command, [format, tape, ...ids, "-o", file]);
		return { status, err, text: readFileSync(file, "utf8") };
	};
	t.match(await exported("curl", "b"), { status: 0, text: /^curl http:\/\/example\.com\/b / });
	t.match(await exported("httpie", "b"), { status: 0, text: /^http --ignore-stdin -- GET http:\/\/example\.com\/b/ });
	t.match(await exported("fetch", "b"), { status: 0, text: /^await fetch\("http:\/\/example\.com\/b"/ });
	t.match(await exported("raw-request", "b"), { status: 0, text: /^GET \/b HTTP\/1\.1\r\n/ });
	t.match(await exported("raw-response", "b"), { status: 0, text: /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nhello$/ });
	t.match(await exported("raw", "a", "b"), { status: 0, text: /^GET \/ [\s\S]*GET \/b / });
	t.match(await exported("curl", "c"), { err: /flow cccc is left out: it is tcp/ });
	t.match(await exported("curl", "dddd"), { status: 1, err: /no flow whose id begins with dddd/ });
	t.match(await exported("wget"), { status: 2, err: /none of curl, httpie/ });
});
