// Runs the examples of README.md and docs/*.md, each page in its own folder, and compares their output with the page.
//
// A ```console block has commands after "$ ". The lines below a command are its expected output, in which "…" matches
// any text; without such lines, any output is accepted. `<!-- status 2 -->` above the block is the exit status of its
// commands; default: 0. A block with a file name after its language, such as ```yaml rules.yaml, is first written to
// that file. `localhost:3000` stands for a server on a free port: the page's own server.mjs, or a small site.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import t, { type Test } from "tap";
import { cliEnvironment, cliFile, runShell } from "../fixtures/cli.ts";
import { prepareDocsFolder } from "../fixtures/docs-folder.ts";
import { startSite } from "../fixtures/plain-site.ts";
import { filterOperators } from "../src/filter/terms.ts";

// the default of half a minute is too short on a busy machine
t.setTimeout(600_000);

interface Example {
	line: number;
	command: string;
	printed: string;
	status: number;
}

interface Page {
	files: { name: string; text: string }[];
	examples: Example[];
}

function readPage(text: string): Page {
	const page: Page = { files: [], examples: [] };
	for (const match of text.matchAll(/^(?:<!-- status (\d+) -->\n)?```(\w+)(?: (\S+))?\n(.*?)^```$/gms)) {
		const [, status = "0", language, name, body = ""] = match;
		const line = text.slice(0, match.index).split("\n").length;
		if (name !== undefined) page.files.push({ name, text: body });
		else if (language === "console" && /^\$ (?:flowtape|node) /.test(body))
			page.examples.push(...examplesOf(body, line, Number(status)));
	}
	return page;
}

function examplesOf(body: string, line: number, status: number): Example[] {
	return body
		.split(/^\$ /m)
		.slice(1)
		.map((part) => {
			const [command = "", ...printed] = part.split("\n");
			return { line, command, printed: printed.join("\n"), status };
		});
}

/** The first characters of the id of a flow that was recorded just now, and not of one on the prepared tapes. */
const NEW_ID = "\\b(?![a-e]\\d0{6})[0-9a-f]{8}\\b";

/**
 * A pattern for what a page says that a command prints. The day of a recording, and the ids and durations of flows that
 * were recorded just now, may differ.
 */
function expected(printed: string): RegExp {
	const pattern = printed
		.split("…")
		.map((part) => part.replace(/[$()*+.?[\\\]^{|}]/g, "\\$&"))
		.join("[\\s\\S]*?")
		.replace(/ of \d+ [A-Z][a-z]{2}$/gm, " of \\d+ [A-Z][a-z]{2}")
		.replace(new RegExp(`^(${NEW_ID} .*) \\d+ms$`, "gm"), "$1 \\S+")
		.replace(new RegExp(NEW_ID, "g"), "[0-9a-f]{8}");
	return new RegExp(`^${pattern}$`);
}

async function freePort(): Promise<number> {
	const server = createServer().listen(0, "127.0.0.1");
	await once(server, "listening");
	const { port } = server.address() as { port: number };
	server.close();
	await once(server, "close");
	return port;
}

/** Starts the server.mjs of a page, and resolves once it has printed its first line. */
async function startServer(t: Test, folder: string): Promise<void> {
	const server = spawn(process.execPath, ["server.mjs"], { cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
	t.teardown(async () => {
		server.kill();
		await once(server, "exit");
	});
	await once(server.stdout, "data");
}

/** Programs that examples may use and a machine may lack. */
const OPTIONAL = ["jq", "mitmdump", "less"];
const isThere = (program: string) => spawnSync("sh", ["-c", `command -v ${program}`]).status === 0;

const root = process.cwd();
const pages = ["README.md", ...readdirSync("docs").map((name) => join("docs", name))].filter((name) =>
	name.endsWith(".md"),
);

t.test("every console block is an example that can be run", async (t) => {
	for (const name of pages) {
		const text = readFileSync(name, "utf8");
		const blocks = text.match(/^```console\n/gm) ?? [];
		t.equal(
			blocks.length,
			new Set(readPage(text).examples.map(({ line }) => line)).size,
			`${name}: every console block begins with "$ flowtape" or "$ node"`,
		);
		t.equal((text.match(/^```/gm) ?? []).length % 2, 0, `${name}: blocks are closed`);
	}
});

t.test("docs/filters.md has every operator", async (t) => {
	const text = readFileSync("docs/filters.md", "utf8");
	for (const { code, argument } of filterOperators)
		t.ok(text.includes(`\`~${code}${{ none: "", number: " NUMBER", pattern: " REGEX" }[argument]}\``), code);
});

for (const name of pages) {
	const text = readFileSync(name, "utf8");
	const hasServer = readPage(text).files.some((file) => file.name === "server.mjs");
	if (readPage(text).examples.length === 0) continue;
	t.test(name, async (t) => {
		const folder = resolve(root, t.testdir({ bin: {} }));
		const port = hasServer ? await freePort() : Number(new URL((await startSite(t)).url).port);
		const { files, examples } = readPage(text.replaceAll(/(?<=localhost:|listen\()3000\b/g, `${port}`));
		await prepareDocsFolder(folder, `http://localhost:${port}`);
		for (const file of files) writeFileSync(join(folder, file.name), file.text);
		if (hasServer) await startServer(t, folder);
		const bin = join(folder, "bin", "flowtape");
		writeFileSync(bin, `#!/bin/sh\nexec "${process.execPath}" "${cliFile}" "$@"\n`);
		chmodSync(bin, 0o755);
		const env = cliEnvironment(folder, { PATH: `${join(folder, "bin")}:${process.env.PATH}`, NODE_NO_WARNINGS: "1" });
		for (const { line, command, printed, status } of examples) {
			const where = `line ${line}: ${command}`;
			const missing = OPTIONAL.find((program) => new RegExp(`\\b${program}\\b`).test(command) && !isThere(program));
			if (missing !== undefined) {
				t.comment(`${where} is not run: there is no ${missing} here`);
				continue;
			}
			const run = await runShell(command, folder, env);
			t.equal(run.status, status, where, { run });
			if (printed !== "") t.match(run.printed, expected(printed), where);
		}
	});
}
