// Reads mitmproxy dumps for any split of the bytes, and continues after damage.
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import t from "tap";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { bytesInput } from "../../fixtures/bytes-input.ts";
import { readTape, reports, writeTape } from "../../fixtures/tape-files.ts";
import { comparable, variedFlows } from "../../fixtures/varied-flows.ts";
import type { Input } from "../../formats/format.ts";
import { mitm } from "../../formats/mitm.ts";
import type { Flow } from "../../src/flow/flow.ts";

const small = [
	httpFlow({ id: "one" }),
	httpFlow({ id: "two", request: { body: Buffer.from("5:abc") } }),
	httpFlow({ id: "three" }),
];

async function bytesOf(flows: readonly Flow[], folder: string): Promise<Buffer> {
	const file = join(folder, "made.mitm");
	await writeTape(file, flows);
	return readFile(file);
}

async function idsOf(input: Input): Promise<{ ids: string[]; codes: string[] }> {
	const { list, report } = reports();
	const ids: string[] = [];
	for await (const batch of await mitm.read(input, { report })) ids.push(...batch.map(({ id }) => id));
	return { ids, codes: list.map(({ code }) => code) };
}

t.test("any split of the bytes gives the same flows", async (t) => {
	const bytes = await bytesOf(small, t.testdir());
	for (const size of [1, 7, 100, 1000, bytes.length])
		t.same(await idsOf(bytesInput(bytes, size)), { ids: ["one", "two", "three"], codes: [] });
});

t.test("the bytes of an unchanged flow are copied, with unknown fields", async (t) => {
	const folder = t.testdir();
	const bytes = await bytesOf(variedFlows(), folder);
	const { flows } = await readTape(join(folder, "made.mitm"));
	await writeTape(join(folder, "copy.mitm"), flows);
	t.ok(bytes.equals(await readFile(join(folder, "copy.mitm"))));
	for (const flow of flows) flow.record = undefined;
	await writeTape(join(folder, "anew.mitm"), flows);
	t.strictSame((await readTape(join(folder, "anew.mitm"))).flows.map(comparable), flows.map(comparable));
});

t.test("a cut-off dump gives the flows before the cut, and reports its offset", async (t) => {
	const folder = t.testdir();
	const bytes = await bytesOf(small, folder);
	const first = (await bytesOf(small.slice(0, 1), folder)).length;
	const file = join(folder, "cut.mitm");
	for (let end = first + 1; end < first + 200; end += 13) {
		await writeFile(file, bytes.subarray(0, end));
		const { flows, reported } = await readTape(file);
		t.same(
			flows.map(({ id }) => id),
			["one"],
		);
		t.match(reported, [{ code: "FT_CORRUPT_FLOW", offset: first, record: 2, message: /cut\.mitm: byte \d+, flow 2/ }]);
	}
});

t.test("after damage, reading continues with the next record", async (t) => {
	const folder = t.testdir();
	const file = join(folder, "a.mitm");
	const [one, two, three] = [
		await bytesOf(small.slice(0, 1), folder),
		await bytesOf(small.slice(1, 2), folder),
		await bytesOf(small.slice(2), folder),
	];
	await writeFile(file, Buffer.concat([one, Buffer.from("garbage in between"), two, three]));
	const { flows, reported } = await readTape(file);
	t.same(
		flows.map(({ id }) => id),
		["one", "two", "three"],
	);
	t.match(reported, [{ code: "FT_CORRUPT_FLOW", offset: one.length }]);
	const damaged = Buffer.from(two.latin1Slice().replace("2:id;", "2:iX;"), "latin1");
	await writeFile(file, Buffer.concat([one, damaged, three]));
	t.same(
		(await readTape(file)).flows.map(({ id }) => id),
		["one", "three"],
	);
});

t.test("a record that is not a flow, and one of a newer version", async (t) => {
	const folder = t.testdir();
	const file = join(folder, "a.mitm");
	await writeFile(file, await bytesOf(small.slice(0, 1), folder));
	await appendFile(file, "3:abc;");
	t.match((await readTape(file)).reported, [{ code: "FT_CORRUPT_FLOW", message: /a dictionary/ }]);
	const text = (await bytesOf(small.slice(0, 1), folder)).latin1Slice().replace("7:version;2:21#", "7:version;2:99#");
	await writeFile(file, text, "latin1");
	t.match((await readTape(file)).reported, [{ code: "FT_NEWER_FORMAT", message: /version 99/ }]);
});

t.test("versions that cannot be written are rejected before the file is created", async (t) => {
	const { report } = reports();
	const file = join(t.testdir(), "a.mitm");
	await t.rejects(mitm.create(file, { report, version: 7 }), {
		code: "FT_BAD_OPTION",
		message: /expected dump version 15 .*, found 7/,
	});
	await t.rejects(readFile(file), { code: "ENOENT" });
});

t.test("progress", async (t) => {
	const bytes = await bytesOf(small, t.testdir());
	const source = await mitm.read({ ...bytesInput(bytes, 500), size: bytes.length }, { report: reports().report });
	t.same(source.progress(), { done: 0, total: bytes.length });
	for await (const _ of source);
	t.same(source.progress(), { done: bytes.length, total: bytes.length });
});

t.test("golden dumps that are cut off at any byte cause only reports of damage", async (t) => {
	for (const name of ["0.10", "7", "21"]) {
		const bytes = await readFile(`fixtures/flows/mitm-${name}.mitm`);
		for (let end = 1; end < bytes.length; end += name === "0.10" ? 1 : 17) {
			const { ids, codes } = await idsOf(bytesInput(bytes.subarray(0, end), 4096));
			t.ok(
				codes.every((code) => code === "FT_CORRUPT_FLOW") && codes.length <= 1,
				`${name}: ${end} bytes: ${ids.length} flows, ${codes}`,
			);
		}
	}
});

t.test("flipped bits cause only reports of damage", async () => {
	const dumps = await Promise.all(
		["0.10", "0.18", "2.0", "7", "12", "18", "21"].map((name) => readFile(`fixtures/flows/mitm-${name}.mitm`)),
	);
	await fc.assert(
		fc.asyncProperty(
			fc.constantFrom(...dumps),
			fc.array(fc.tuple(fc.double({ min: 0, max: 0.9999, noNaN: true }), fc.nat(7)), { minLength: 1, maxLength: 3 }),
			async (dump, flips) => {
				const broken = Buffer.from(dump);
				for (const [place, bit] of flips) {
					const at = Math.floor(place * broken.length);
					broken[at] = (broken[at] as number) ^ (1 << bit);
				}
				const { list, report } = reports();
				for await (const batch of await mitm.read(bytesInput(broken, 5000), { report })) {
					// lazily decoded parts must not fail
					for (const flow of batch) comparable(flow);
				}
				return list.every(
					({ code, message }) =>
						["FT_CORRUPT_FLOW", "FT_NEWER_FORMAT"].includes(code) && /byte \d+, flow \d+: /.test(message),
				);
			},
		),
		{ seed: 23, numRuns: 1500 },
	);
});

t.test("malicious structures take little time and memory", async (t) => {
	const nested = (levels: number, tag: string): Buffer => {
		const heads: string[] = [];
		for (let n = 0, size = 0; n < levels; n++) {
			const head = `${size}:`;
			heads.push(head);
			size += head.length + 1;
		}
		return Buffer.from(heads.reverse().join("") + tag.repeat(levels));
	};
	const good = await bytesOf(small, t.testdir());
	const start = Date.now();
	for (const [name, bytes] of [
		["nested lists", nested(100_000, "]")],
		["nested dictionaries", nested(100_000, "}")],
		["only colons", Buffer.alloc(5_000_000, "1:")],
		["beginnings of records", Buffer.alloc(5_000_000, "99:7:version;")],
		["long beginnings of records", Buffer.alloc(5_000_000, "4000000:7:version;")],
		["only digits", Buffer.alloc(5_000_000, "7")],
		["empty elements", Buffer.concat([Buffer.from("5000000:"), Buffer.alloc(5_000_000, "0:~0:~"), Buffer.from("}")])],
	] as const) {
		const before = process.memoryUsage().rss;
		const { ids, codes } = await idsOf(bytesInput(Buffer.concat([bytes, good]), 1_000_000));
		t.ok(codes.length > 0, name);
		t.same(ids.slice(-2), ["two", "three"], name);
		t.ok(process.memoryUsage().rss - before < 300e6, name);
	}
	t.ok(Date.now() - start < 120_000, `${Date.now() - start} ms`);
});
