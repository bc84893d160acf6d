// Writes a HAR with attached bodies: each body once, the HAR last.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import t from "tap";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { ownTemporaryFolder } from "../../../fixtures/own-temporary-folder.ts";
import { readTape, reports, writeTape } from "../../../fixtures/tape-files.ts";
import { ZipFile } from "../../../formats/har/zip-file.ts";
import { createHarZip } from "../../../formats/har/zip-sink.ts";

t.test("bodies are named by their digest", async (t) => {
	const left = ownTemporaryFolder(t);
	const path = join(t.testdir(), "a.zip");
	const flows = [
		httpFlow({
			request: { method: "POST", headers: [["Content-Type", "application/x-www-form-urlencoded"]], body: "a=1" },
		}),
		httpFlow({ response: { headers: [["Content-Type", "image/jpeg"]], body: Buffer.of(0, 255) } }),
		httpFlow({ response: { headers: [], body: "?" } }),
		httpFlow({ response: { body: "" } }),
		httpFlow({ response: { headers: [["Content-Type", "application/x-javascript"]], body: "1" } }),
	];
	t.match(await writeTape(path, flows), [{ code: "FT_LOSS" }]);
	const zip = new ZipFile(path, path);
	const names = [...zip.names];
	zip.close();
	t.match(names, [/^[0-9a-f]{40}\.dat$/, /\.txt$/, /\.jpg$/, /\.dat$/, /\.js$/, "har.har"]);
	t.equal(names.length, 6, "a body of two flows is stored once");
	const back = await readTape(path);
	t.same(back.reported, []);
	t.same(
		back.flows.map((flow) =>
			flow.type === "http" ? [flow.request.text, flow.response?.rawContent?.toString("latin1")] : [],
		),
		[
			["a=1", "hello"],
			["", "\0\xff"],
			["", "?"],
			["", ""],
			["", "1"],
		],
	);
	t.same(left(), []);
});

t.test("a ZIP is not appended to, and a discarded one leaves nothing", async (t) => {
	const left = ownTemporaryFolder(t);
	const folder = t.testdir();
	const { report } = reports();
	await t.rejects(createHarZip(join(folder, "a.zip"), { report, append: true }), {
		code: "FT_USAGE",
		message: /flows cannot be appended to a ZIP/,
	});
	const sink = await createHarZip(join(folder, "a.zip"), { report });
	await sink.append(httpFlow());
	await sink.discard();
	t.same(await readdir(folder), []);
	t.same(left(), []);
});
