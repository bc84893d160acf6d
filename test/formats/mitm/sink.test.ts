// Writes dumps; the bytes of unchanged flows are copied, and each loss is reported once.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import t from "tap";
import { dnsFlow, httpFlow, tcpFlow, udpFlow } from "../../../fixtures/build-flow.ts";
import { recordsOf } from "../../../fixtures/dump-records.ts";
import { readTape, reports, writeTape } from "../../../fixtures/tape-files.ts";
import { comparable, variedFlows } from "../../../fixtures/varied-flows.ts";
import { createTape } from "../../../formats/index.ts";
import { checkVersion } from "../../../formats/mitm/sink.ts";
import { WRITABLE } from "../../../formats/mitm/target.ts";

t.test("the bytes of an unchanged flow are copied", async (t) => {
	const folder = t.testdir();
	for (const version of WRITABLE.keys()) {
		const golden = `fixtures/flows/mitm-${version}.mitm`;
		const { flows } = await readTape(golden);
		const file = join(folder, `${version}.mitm`);
		t.same(await writeTape(file, flows, { version }), []);
		t.ok((await readFile(file)).equals(await readFile(golden)), String(version));
	}
});

t.test("changed flows and other versions are encoded again", async (t) => {
	const file = join(t.testdir(), "a.mitm");
	const { flows } = await readTape("fixtures/flows/mitm-18.mitm");
	await writeTape(file, flows);
	t.same(new Set((await recordsOf(file)).map(({ version }) => version)), new Set([21]));
	t.strictSame((await readTape(file)).flows.map(comparable), flows.map(comparable));
});

t.test("every version round-trips what it can store", async (t) => {
	const folder = t.testdir();
	for (const version of WRITABLE.keys()) {
		const file = join(folder, `${version}.mitm`);
		const flows = variedFlows().filter(({ type }) => type === "http" || type === "tcp");
		await writeTape(file, flows, { version });
		t.same(new Set((await recordsOf(file)).map((record) => record.version)), new Set([version]));
		const { flows: found, reported } = await readTape(file);
		t.same(reported, []);
		const shared = (flow: (typeof flows)[number]) => {
			const { backup: _, timestampCreated: __, clientConn, ...others } = comparable(flow) as { [key: string]: object };
			return { ...others, clientConn: { ...clientConn, proxyMode: null } };
		};
		t.strictSame(found.map(shared), flows.map(shared), String(version));
	}
});

t.test("each kind of loss is reported once", async (t) => {
	const file = join(t.testdir(), "a.mitm");
	const flows = [
		udpFlow(),
		udpFlow(),
		dnsFlow(),
		httpFlow({ backup: { x: 1 } }),
		tcpFlow(),
		httpFlow({ metadata: { blob: Buffer.of(1) } }),
	];
	const losses = await writeTape(file, flows, { version: 17 });
	t.match(losses, [
		{ code: "FT_LOSS", message: `${file}: a dump of version 17 cannot store UDP flows: left out` },
		{ code: "FT_LOSS", message: /the state of a flow before it was edited: left out/ },
		{ code: "FT_LOSS", message: /mitmproxy 8\.1 cannot load metadata with bytes/ },
	]);
	t.same(
		(await readTape(file)).flows.map(({ type }) => type),
		["dns", "http", "tcp", "http"],
	);
});

t.test("versions that cannot be written", async (t) => {
	for (const version of [7, 14, 16, 19, 22])
		t.throws(() => checkVersion(version), {
			code: "FT_BAD_OPTION",
			option: "dump_version",
			message: new RegExp(`20 \\(mitmproxy 10\\).*found ${version}$`),
		});
	for (const version of [undefined, ...WRITABLE.keys()]) t.doesNotThrow(() => checkVersion(version));
});

t.test("a discarded dump leaves nothing", async (t) => {
	const { mitm } = await import("../../../formats/mitm.ts");
	const file = join(t.testdir(), "a.mitm");
	const sink = await mitm.create(file, { report: () => {} });
	await sink.append(httpFlow());
	await sink.discard();
	await t.rejects(readFile(file), { code: "ENOENT" });
});

t.test(
	"stored flows are counted without those that a full disk lost",
	{ skip: process.platform !== "linux" && "no /dev/full" },
	async (t) => {
		const large = httpFlow({ response: { body: Buffer.alloc(700_000) } });
		for (const format of ["mitm", "jsonl"]) {
			const { report } = reports();
			const full = await createTape("/dev/full", { format, report });
			await t.rejects(
				Promise.resolve(full.append(large)).then(() => full.append(large)),
				{ code: "FT_IO" },
			);
			await Promise.resolve(full.append(httpFlow())).catch(() => {});
			await t.rejects(full.close(), { code: "FT_IO" });
			t.equal(full.stored, 0, format);
			const whole = await createTape(join(t.testdir(), "a"), { format, report });
			for (const flow of [large, large, httpFlow()]) await whole.append(flow);
			await whole.close();
			t.equal(whole.stored, 3, format);
		}
	},
);
