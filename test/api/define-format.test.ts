// A custom format is detected, read, filtered, written and appended to, but only by calls that get it.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import t from "tap";
import { convert } from "../../api/convert.ts";
import { defineFormat } from "../../api/define-format.ts";
import { filter } from "../../api/filter.ts";
import { createTape, openTape } from "../../api/tape.ts";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { readTape, writeTape } from "../../fixtures/tape-files.ts";

/** A list of URLs' paths. */
const list = defineFormat({
	name: "list",
	extensions: [".list"],
	sniff: (head) => head.latin1Slice(0, 5) === "list\n",
	async *read(bytes, { name, report }) {
		let line = 0;
		for await (const path of createInterface(Readable.from(bytes))) {
			if (line++ === 0) continue;
			if (path.startsWith("/")) yield httpFlow({ id: path, request: { path } });
			else report("FT_CORRUPT_FLOW", `${name}: line ${line}: no path`, { record: line });
		}
	},
	write(output, { isContinued }) {
		const begun = isContinued ? undefined : output.write("list\n");
		return {
			async append(flow) {
				await begun;
				if (flow.type === "http") await output.write(Buffer.from(`${flow.request.path}\n`));
			},
			end: () => begun,
		};
	},
});
const formats = [list];
const readOnly = defineFormat({ name: "read-only", extensions: [".ro"], read: () => [httpFlow({ id: "one" })] });
const writeOnly = defineFormat({ name: "write-only", extensions: [".wo"], write: () => ({ append() {} }) });

t.test("it is read: completely, compressed, and with a filter", async (t) => {
	const folder = t.testdir();
	const path = join(folder, "a.list");
	writeFileSync(path, "list\n/a\n/b\n");
	writeFileSync(`${path}.gz`, gzipSync(readFileSync(path)));
	for (const file of [path, `${path}.gz`]) {
		await using tape = await openTape(file, { formats });
		t.equal(tape.format, "list");
		t.equal(await tape.count(), 2);
		t.equal(await tape.count("~u /b"), 1);
		t.match(await tape.get("/b"), { request: { path: "/b" } });
		t.match(await convert(tape, join(folder, "b.tape")), { written: 2 });
	}
	t.match(await filter(path, "~u /b", join(folder, "c.tape"), { formats }), { written: 1 });
	t.match((await readTape(join(folder, "c.tape"))).flows, [{ id: "/b" }]);
	await t.rejects(openTape(path), { code: "FT_UNKNOWN_FORMAT" }, "another call does not know it");
});

t.test("its reports count as damage", async (t) => {
	const path = join(t.testdir(), "a.list");
	writeFileSync(path, "list\n/a\nb\n/c\n");
	await t.rejects((await openTape(path, { formats })).count(), { code: "FT_CORRUPT_FLOW", message: /a\.list: line 3/ });
	t.equal(await (await openTape(path, { formats, strict: false })).count(), 2);
});

t.test("it is written, completely or not at all, and appended to", async (t) => {
	const folder = t.testdir();
	const from = join(folder, "from.tape");
	const path = join(folder, "a.list");
	await writeTape(from, [httpFlow({ request: { path: "/a" } }), httpFlow({ request: { path: "/b" } })]);
	await convert(from, path, { formats });
	t.equal(readFileSync(path, "utf8"), "list\n/a\n/b\n");
	{
		await using writer = await createTape(path, { formats });
		await writer.append(httpFlow());
	}
	t.equal(readFileSync(path, "utf8"), "list\n/a\n/b\n", "discarded");
	const more = await createTape(path, { formats, append: true });
	await more.append(httpFlow({ request: { path: "/c" } }));
	await more.commit();
	t.equal(readFileSync(path, "utf8"), "list\n/a\n/b\n/c\n");
	t.same(readdirSync(folder).sort(), ["a.list", "from.tape"]);
});

t.test("a writer that cannot be made leaves nothing behind", async (t) => {
	const folder = t.testdir();
	const write = () => {
		throw new Error("no license");
	};
	const failing = defineFormat({ name: "failing", extensions: [".fail"], write });
	await t.rejects(createTape(join(folder, "a.fail"), { formats: [failing] }), /no license/);
	t.same(readdirSync(folder), []);
});

t.test("formats that are only read or only written, by their name", async (t) => {
	const folder = t.testdir({ any: "anything" });
	const path = join(folder, "any");
	t.equal(await (await openTape(path, { format: "read-only", formats: [readOnly] })).count(), 1);
	await t.rejects(createTape(join(folder, "x.ro"), { formats: [readOnly] }), {
		code: "FT_USAGE",
		message: /cannot be written/,
	});
	await t.rejects((await openTape(path, { format: "write-only", formats: [writeOnly] })).count(), {
		code: "FT_USAGE",
		message: /cannot be read/,
	});
	await t.rejects(openTape(path, { formats: [readOnly] }), { code: "FT_UNKNOWN_FORMAT" });
});
