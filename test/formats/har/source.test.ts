// Reads matching entries for any split of the bytes; damage is reported, and earlier flows are kept.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import t from "tap";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { bytesInput } from "../../../fixtures/bytes-input.ts";
import { readTape, reports, writeTape } from "../../../fixtures/tape-files.ts";
import { HarSource } from "../../../formats/har/source.ts";
import type { Flow, HttpFlow } from "../../../src/flow/flow.ts";

const fixture = (name: string): string => join("fixtures/flows", name);

t.test("a filter and ids select", async (t) => {
	const { flows } = await readTape(fixture("chromium.har"));
	const id = flows[3]?.id ?? "";
	t.same(
		(await readTape(fixture("chromium.har"), { ids: [id] })).flows.map((flow) => flow.id),
		[id],
	);
	const filter = {
		pattern: "",
		matches: (flow: Flow) => flow.error !== null,
		plan: { kind: "unknown" as const },
		needs: new Set<never>(),
	};
	t.equal((await readTape(fixture("chromium.har"), { filter })).flows.length, 1);
});

t.test("comments on bodies are kept, and others are reported", async (t) => {
	const file = join(t.testdir(), "a.har");
	const named = (comment?: string) => [{ name: "a", value: "b", ...(comment !== undefined && { comment }) }];
	const form = { mimeType: "application/x-www-form-urlencoded", text: "a=b", params: named("5") };
	const entry = {
		startedDateTime: "2024-05-02T08:15:30Z",
		time: 0,
		comment: "the entry",
		request: {
			method: "POST",
			url: "http://a/?a=b",
			comment: "the request",
			headers: named("1"),
			cookies: named("2"),
			queryString: named("3"),
			postData: { ...form, comment: "sent" },
		},
		response: {
			status: 200,
			comment: "the response",
			headers: named("4"),
			cookies: named(""),
			content: { size: 2, mimeType: "text/plain", text: "ok", comment: "read" },
		},
	};
	const plain = {
		...entry,
		request: { method: "GET", url: "http://a/", headers: named() },
		response: { status: 200, headers: [], content: { size: 0, text: "", comment: "there is no body" } },
	};
	await writeFile(file, JSON.stringify({ log: { entries: [entry, plain] } }));
	const { flows, reported } = await readTape(file);
	t.match(reported, [
		{ code: "FT_LOSS", message: /: comments on header fields, cookies and parameters, left out: 5$/ },
	]);
	t.equal(reported.length, 1);
	await writeTape(file, flows);
	const { entries } = JSON.parse(await readFile(file, "utf8")).log;
	t.match(entries[0], {
		comment: "the entry",
		request: { comment: "the request", postData: { text: "a=b", comment: "sent" } },
		response: { comment: "the response", content: { text: "ok", comment: "read" } },
	});
	t.match(entries[1].response.content, { comment: /not recorded/ });
	t.same((await readTape(file)).reported, []);
});

t.test("a body with a comment that becomes empty stays an empty body", async (t) => {
	const file = join(t.testdir(), "a.har");
	const flow = httpFlow({ request: { method: "POST", body: "" }, response: { body: "" } });
	flow.metadata = { har: { postData: { comment: "sent" }, content: { comment: "read" } } };
	await writeTape(file, [flow]);
	const back = (await readTape(file)).flows[0] as HttpFlow;
	t.same([back.request.bodySize, back.response?.bodySize], [0, 0]);
});

t.test("bodies in files beside a HAR, never from elsewhere", async (t) => {
	const entry = (file: string) => ({
		startedDateTime: "2024-05-02T08:15:30Z",
		time: 0,
		request: { method: "GET", url: `http://a/${file}`, headers: [] },
		response: { status: 200, headers: [], content: { size: 6, _file: file } },
	});
	const files = ["body.txt", "inside/body.txt", "../secret.txt", "link.txt", "/etc/hostname", "none.txt"];
	const folder = t.testdir({
		"secret.txt": "secret",
		har: {
			"a.har": JSON.stringify({ log: { entries: files.map(entry) } }),
			"body.txt": "beside",
			"link.txt": t.fixture("symlink", "../secret.txt"),
			inside: { "body.txt": "inside" },
		},
	});
	const { flows, reported } = await readTape(join(folder, "har/a.har"));
	t.same(
		(flows as HttpFlow[]).map(({ response }) => response?.rawContent?.toString() ?? null),
		["beside", "inside", null, null, null, null],
	);
	t.match(reported, [
		{
			code: "FT_CORRUPT_FLOW",
			record: 3,
			message: /entry 3: the file "..\/secret.txt" .* leads out of the folder; the flow is kept without it/,
		},
		{ record: 4, message: /leads out/ },
		{ record: 5, message: /leads out|ENOENT/ },
		{ record: 6, message: /ENOENT/ },
	]);
});

t.test("invalid entries are reported and skipped", async (t) => {
	const file = join(t.testdir(), "a.har");
	await writeTape(file, [httpFlow({ id: "one" }), httpFlow({ id: "two" }), httpFlow({ id: "three" })]);
	const [head = "", one = "", two = "", ...rest] = (await readFile(file, "utf8")).split("\n");
	const start = Buffer.byteLength(`${head}\n${one}\n`);
	for (const [broken, why] of [
		["null,", /expected an entry .*, found null/],
		[two.replace('"url":"http', '"url":"'), /"request.url": expected an absolute URL, found ".*"/],
		[two.replace('"request"', '"reqest"'), /"request": expected .*, found nothing/],
		[two.replace('"status":', '"status"'), /expected JSON/],
		[two.slice(0, -40), /found the next entry|the file ends/],
	] as const) {
		await writeFile(file, [head, one, broken, ...rest].join("\n"));
		const { flows, reported } = await readTape(file);
		t.same(
			flows.map(({ id }) => id),
			["one", "three"],
			broken.slice(-30),
		);
		t.match(reported, [{ code: "FT_CORRUPT_FLOW", record: 2, offset: start, message: why }]);
		t.match(reported[0]?.message, `a.har: byte ${start}, entry 2: `);
	}
	await writeFile(
		file,
		Buffer.from(
			[head, one, two.replace('"id', '"\xff'), ...rest].join("\n").replace("text/plain", "text/\xe9"),
			"latin1",
		),
	);
	t.match((await readTape(file)).reported[0]?.message, /entry 1: expected UTF-8/);
});

t.test("each kind of odd field is reported once, with its number", async (t) => {
	const file = join(t.testdir(), "a.har");
	const request = {
		method: "GET",
		url: "http://a/",
		headers: [
			{ name: "a", value: 5 },
			{ name: "b", value: 6 },
		],
	};
	const entry = {
		startedDateTime: "2024-05-02T08:15:30Z",
		time: 1,
		request,
		response: { status: "200", headers: [], content: {} },
		timings: {},
	};
	await writeFile(file, JSON.stringify({ log: { entries: [entry, entry, entry] } }));
	const { flows, reported } = await readTape(file);
	t.equal(flows.length, 3);
	t.same(
		reported.map(({ code, record }) => [code, record]),
		[
			["FT_ODD_FIELD", 1],
			["FT_ODD_FIELD", 1],
			["FT_ODD_FIELD", undefined],
			["FT_ODD_FIELD", undefined],
		],
	);
	t.match(
		reported[0]?.message,
		/a.har: byte \d+, entry 1: "response.status": expected a number, found "200"; read as 200$/,
	);
	t.match(reported[2]?.message, /: 2 more entries like that: response.status: expected a number$/);
});

t.test("fields outside the entries are written to the next HAR", async (t) => {
	const folder = t.testdir();
	const [from, to, tape] = [join(folder, "a.har"), join(folder, "b.har"), join(folder, "a.tape")];
	const request = (url: string) => ({
		startedDateTime: "2024-05-02T08:15:30Z",
		time: 1,
		pageref: "p1",
		request: { method: "GET", url, headers: [] },
		response: { status: 200, headers: [] },
	});
	const pages = [{ id: "p1" }, { id: "lonely", title: "nobody names it" }];
	const [front, behind] = [
		{ browser: { name: "Zilla", version: "7" }, _recordingName: "login/ok", pages },
		{ comment: "by hand", _x: [1] },
	];
	await writeFile(
		from,
		JSON.stringify({
			log: {
				version: "1.2",
				creator: {},
				...front,
				entries: [request("http://a/1"), request("http://a/2")],
				...behind,
			},
		}),
	);
	const { flows, reported } = await readTape(from);
	t.same(reported, []);
	t.same(await writeTape(to, flows), []);
	await writeTape(tape, flows);
	for (const again of [flows, (await readTape(to)).flows, (await readTape(tape)).flows]) {
		await writeTape(to, again);
		const { log } = JSON.parse(await readFile(to, "utf8"));
		t.match(log, { ...front, ...behind, creator: { name: "flowtape" } });
		t.equal(log.pages.length, 2);
	}
	// of two different values, the second is reported
	await writeFile(from, JSON.stringify({ log: { browser: { name: "Other" }, entries: [request("http://a/1")] } }));
	const losses = await writeTape(to, [...flows, ...(await readTape(from)).flows]);
	t.match(losses, [{ code: "FT_LOSS", message: /two values of fields beside the entries: "browser" \(1\)/ }]);
	await writeFile(from, '{"log":{"comment":"x","entries":[]}}');
	t.match((await readTape(from)).reported, [{ code: "FT_LOSS", message: /there is no flow to store them with/ }]);
	await writeFile(from, '{"log":{"entries":[],"pages":[{"id":]}}');
	t.match((await readTape(from)).reported, [{ code: "FT_CORRUPT_FLOW", message: /byte 29: expected JSON/ }]);
});

t.test("in UTF-16, as JSONP, and one entry per line", async (t) => {
	const file = join(t.testdir(), "a.har");
	const text = await readFile(fixture("safari.har"), "utf8");
	const { flows } = await readTape(fixture("safari.har"));
	const big = Buffer.from(`\ufeff${text}`, "utf16le").swap16();
	const entries = (JSON.parse(text) as { log: { entries: object[] } }).log.entries
		.map((entry) => JSON.stringify(entry))
		.join("\n");
	for (const bytes of [
		Buffer.from(`\ufeff${text}`, "utf16le"),
		Buffer.from(text, "utf16le"),
		big,
		Buffer.from(`onInputData(${text});`),
		Buffer.from(entries),
	]) {
		await writeFile(file, bytes);
		const again = await readTape(file);
		t.same(again.reported, []);
		t.same(
			again.flows.map(({ id }) => id),
			flows.map(({ id }) => id),
		);
	}
});

t.test("any split of the bytes gives the same flows", async (t) => {
	const bytes = await readFile(fixture("firefox.har"));
	for (const size of [1, 10, 1000]) {
		const { list, report } = reports();
		const flows: Flow[] = [];
		for await (const batch of new HarSource(bytesInput(bytes, size), { report }, "log")) flows.push(...batch);
		t.equal(flows.length, 4);
		t.same(list, []);
	}
});

t.test("random bytes cause only reports of damage, and earlier flows are kept", async (t) => {
	const good = await readFile(fixture("safari.har"));
	const compact = Buffer.from(JSON.stringify(JSON.parse(String(good))));
	for (const bytes of [good, compact, gzipSync(compact)]) {
		const file = join(t.testdir(), "a.har");
		await fc.assert(
			fc.asyncProperty(
				fc.nat(bytes.length - 1),
				fc.nat(255),
				fc.integer({ min: 2, max: bytes.length }),
				async (at, byte, end) => {
					const broken = Buffer.from(bytes.subarray(0, end));
					if (at < end && at > 1) broken[at] = byte;
					await writeFile(file, broken);
					const { list, report } = reports();
					const flows: Flow[] = [];
					try {
						const { openTape } = await import("../../../formats/index.ts");
						for await (const batch of await openTape(file, { report, format: "har" })) flows.push(...batch);
					} catch (error) {
						if ((error as { code?: string }).code !== "FT_CORRUPT_FLOW") throw error;
						return true;
					}
					return (
						list.every(({ code }) => ["FT_CORRUPT_FLOW", "FT_LOSS", "FT_ODD_FIELD"].includes(code)) && flows.length <= 2
					);
				},
			),
			{ seed: 13, numRuns: 150 },
		);
	}
});
