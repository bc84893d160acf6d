// Closed tapes release their files. Lazy parts of flows can still be read.
import { execFileSync } from "node:child_process";
import { copyFileSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import t from "tap";
import { replayServer } from "../api/replay-server.ts";
import { openTape } from "../api/tape.ts";
import { httpFlow } from "../fixtures/build-flow.ts";
import { askThrough } from "../fixtures/plain-site.ts";
import { writeTape } from "../fixtures/tape-files.ts";
import type { Flow } from "../src/flow/flow.ts";

const isLinux = process.platform === "linux";
/** Files that this process has open. */
const openFiles = () =>
	readdirSync("/proc/self/fd").map((fd) => {
		try {
			return readlinkSync(`/proc/self/fd/${fd}`);
		} catch {
			return "";
		}
	});
const long = (letter: string) => letter.repeat(5000);
const recorded = (id: string, letter: string) =>
	httpFlow({ id, request: { path: `/${id}` }, response: { body: long(letter) } });
const textOf = (flow: Flow | undefined) => (flow?.type === "http" ? flow.response?.text : undefined);

async function tapeIn(folder: string): Promise<string> {
	const path = join(folder, "a.tape");
	await writeTape(path, [recorded("one", "1"), recorded("two", "2")]);
	return path;
}

t.test(
	"a thousand opens and closes in a process that may open 64 files",
	{ skip: process.platform === "win32" && "there is no ulimit" },
	async (t) => {
		const path = await tapeIn(t.testdir());
		const har = join(t.testdirName, "a.har");
		await writeTape(har, [recorded("one", "1"), recorded("two", "2")]);
		// the bundle has few files: Node opens all modules of an import at once
		const index = JSON.stringify(pathToFileURL(resolve("dist/index.js")).href);
		const program = `
		const { createTape, explain, openTape } = await import(${index});
		const [path, har] = ${JSON.stringify([path, har])};
		const kept = [];
		for (let n = 0; n < 1000; n++) {
			const tape = await openTape(n % 2 === 0 ? path : har);
			if (n % 3 === 0) for await (const flow of tape) kept.push(flow);
			else if (n % 3 === 1) for await (const flow of tape.flows({ bodies: false })) { kept.push(flow); break; }
			else await tape.count("~c 200");
			await tape.close();
			if (n % 100 === 0) await explain(tape.path, "http://example.com/one");
		}
		for (let n = 0; n < 50; n++) {
			const writer = await createTape(path + n + ".tape");
			await writer.append(kept[n]);
			await (n % 2 === 0 ? writer.commit() : writer.discard());
		}
		console.log(kept.length, kept.every((flow) => flow.response.text.length === 5000));`;
		const printed = execFileSync(
			"sh",
			["-c", 'ulimit -n 64; exec "$@"', "sh", process.execPath, "--input-type=module", "-e", program],
			{ encoding: "utf8" },
		);
		t.equal(printed, "1001 true\n");
	},
);

t.test("bodies, connections and messages can be read after the tape is closed", async (t) => {
	const path = await tapeIn(t.testdir());
	const tape = await openTape(path);
	const flows: Flow[] = [];
	for await (const flow of tape.flows({ bodies: false })) flows.push(flow);
	await tape.close();
	if (isLinux) t.notOk(openFiles().includes(path));
	t.equal(textOf(flows[0]), long("1"));
	t.equal(flows[1]?.clientConn.peername?.[0], "127.0.0.1");
	await new Promise(setImmediate);
	if (isLinux) t.notOk(openFiles().includes(path), "the file is released again");
	t.equal(textOf(flows[1]), long("2"));
});

t.test("bodies of a deleted or replaced file are errors", async (t) => {
	const folder = t.testdir();
	const path = await tapeIn(folder);
	const flowsOf = async () => {
		const flows: Flow[] = [];
		await using tape = await openTape(path);
		for await (const flow of tape.flows({ bodies: false })) flows.push(flow);
		return flows;
	};
	const [before] = await flowsOf();
	await writeTape(join(folder, "b.tape"), [recorded("other", "x"), recorded("three", "y")]);
	renameSync(join(folder, "b.tape"), path);
	t.throws(() => textOf(before), { code: "FT_IO", message: /a\.tape: .*removed or replaced/ });
	const [other] = await flowsOf();
	rmSync(path);
	t.throws(() => textOf(other), { code: "FT_IO", message: /removed or replaced/ });
});

t.test("all bodies of a compressed or truncated tape can be read", async (t) => {
	const folder = t.testdir();
	const path = await tapeIn(folder);
	writeFileSync(`${path}.gz`, gzipSync(readFileSync(path)));
	const cut = join(folder, "cut.tape");
	copyFileSync(path, cut);
	const bytes = readFileSync(path);
	writeFileSync(cut, bytes.subarray(0, bytes.length - 8192));
	for (const file of [`${path}.gz`, cut]) {
		const flows: Flow[] = [];
		const tape = await openTape(file, { strict: false });
		for await (const flow of tape.flows({ bodies: false })) flows.push(flow);
		await tape.close();
		t.ok(flows.length > 0, file);
		for (const flow of flows) t.equal(textOf(flow)?.length, 5000);
	}
});

t.test("a closed proxy releases its recordings", { skip: !isLinux && "open files are read from /proc" }, async (t) => {
	const path = await tapeIn(t.testdir());
	const proxy = await replayServer({ from: path, ca: join(t.testdirName, "..", `home-${process.pid}`) });
	t.match(await askThrough({ port: Number(proxy.url.port) }, "http://example.com/one"), { body: long("1") });
	t.ok(openFiles().includes(path));
	t.match(await proxy.close(), { served: 1, unused: 1 });
	t.notOk(openFiles().includes(path));
});
