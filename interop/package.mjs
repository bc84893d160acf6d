// Tests the packed package as users get it: with publint and attw, and in an ES module, a CommonJS and a TypeScript
// project.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { install, link, pack, root, run } from "./peers/packed.mjs";
import { check, reportTally } from "./peers/tally.mjs";

const folder = mkdtempSync(join(tmpdir(), "flowtape-package-"));
const tarball = pack(folder);

/** Creates a project with the unpacked package. */
function createProject(name, type, files) {
	const project = join(folder, name);
	mkdirSync(project);
	install(project, tarball);
	link(project, "@types/node");
	writeFileSync(join(project, "package.json"), JSON.stringify({ name, type }));
	for (const [file, text] of Object.entries(files)) writeFileSync(join(project, file), text);
	return project;
}

/** Code that writes a tape, reads it, and exits. */
const use = `
	const { createTape, exportFlow, openTape } = flowtape;
	const flow = new HttpFlow({
		id: "one",
		clientConn: clientConnection({ id: "c" }),
		serverConn: serverConnection({ id: "s" }),
		request: new Request({ method: "GET", scheme: "http", host: "example.com", port: 80 }),
	});
	const writer = await createTape("a.tape");
	await writer.append(flow);
	await writer.commit();
	const tape = await openTape("a.tape");
	for await (const read of tape) console.log(exportFlow(read, "curl").trim());
	await tape.close();`;

await check("publint", () => run("npx", ["--yes", "publint@0.3", "--strict", tarball], folder));
const attw = (...args) => run("npx", ["--yes", "@arethetypeswrong/cli@0.18", tarball, ...args], folder);
// the adapters for test runners are for CommonJS too, except that of Vitest
const both = ["test", "test/jest", "test/node", "test/tap"];
await check("attw", () => attw("--profile", "esm-only", "--exclude-entrypoints", ...both));
await check("attw for test runners", () => attw("--profile", "node16", "--entrypoints", ...both));
await check("a project of ES modules", () => {
	const project = createProject("esm", "module", {
		"use.js": `import * as flowtape from "flowtape";
import { clientConnection, HttpFlow, Request, serverConnection } from "flowtape/flow";
import { defineHook } from "flowtape/hooks";
defineHook({ name: "mine" });${use}\n`,
	});
	const printed = run(process.execPath, ["use.js"], project);
	if (!printed.startsWith("curl ")) throw new Error(`printed ${printed}`);
	run(process.execPath, ["node_modules/flowtape/dist/commands/main.js", "stats", "a.tape"], project);
});
await check("a project of CommonJS", () => {
	const project = createProject("cjs", "commonjs", {
		"use.js": `(async () => {
	const flowtape = await import("flowtape");
	const { clientConnection, HttpFlow, Request, serverConnection } = await import("flowtape/flow");${use}
})();\n`,
	});
	const printed = run(process.execPath, ["use.js"], project);
	if (!printed.startsWith("curl ")) throw new Error(`printed ${printed}`);
});
await check("a project of TypeScript", () => {
	const project = createProject("types", "module", {
		"use.ts": `import { type Flow, openTape, record, run, type RunReport } from "flowtape";
import { HttpFlow } from "flowtape/flow";
import { defineHook } from "flowtape/hooks";
export const hook = defineHook({ name: "mine", request: (flow) => void flow.request.path });
export async function use(): Promise<RunReport> {
	const tape = await openTape("a.tape");
	for await (const flow of tape) (flow satisfies Flow) instanceof HttpFlow;
	// @ts-expect-error there is no such option
	await record({ too: "a.tape" });
	return run(["true"], { tape: "a.tape", env: {} });
}
`,
		"tsconfig.json": JSON.stringify({
			compilerOptions: {
				target: "es2022",
				module: "nodenext",
				strict: true,
				noEmit: true,
				types: ["node"],
				skipLibCheck: false,
				lib: ["es2023", "esnext.disposable"],
			},
			files: ["use.ts"],
		}),
	});
	const compiler = join(root, "node_modules/typescript/bin/tsc");
	run(process.execPath, [compiler, "-p", "."], project);
	run(process.execPath, [compiler, "-p", ".", "--module", "esnext", "--moduleResolution", "bundler"], project);
});

await check("the adapters for test runners, in both kinds of modules", () => {
	const esm = `import { insertTape, TapeError, type TapeOptions } from "flowtape/test";
import { useTape } from "flowtape/test/node";
export const options: TapeOptions = { match: { ignoreJson: ["/a"] }, redact: ["header:x-a", "pii"] };
export const tape: string = useTape(options).current.path;
export const isMiss = (error: unknown) => error instanceof TapeError && error.code === "FT_MISS";
// @ts-expect-error there is no such mode
await insertTape({ file: "a", name: "b" }, { mode: "often" });
`;
	const cjs = `import test = require("flowtape/test");
import node = require("flowtape/test/node");
export const options: test.TapeOptions = { match: { ignoreJson: ["/a"] } };
export const tape: string = node.useTape(options).current.path;
export const isMiss = (error: unknown) => error instanceof test.TapeError && error.code === "FT_MISS";
`;
	const project = createProject("adapters", "module", { "esm.mts": esm, "cjs.cts": cjs });
	const flags = ["--noEmit", "--strict", "--target", "es2022", "--module", "nodenext", "--types", "node"];
	const lib = ["--lib", "es2023,esnext.disposable"];
	run(
		process.execPath,
		[join(root, "node_modules/typescript/bin/tsc"), ...flags, ...lib, "esm.mts", "cjs.cts"],
		project,
	);
	for (const file of ["use.mjs", "use.cjs"]) {
		const load =
			file === "use.mjs" ? 'const test = await import("flowtape/test");' : 'const test = require("flowtape/test");';
		writeFileSync(
			join(project, file),
			`${load} if (typeof test.insertTape !== "function") throw new Error("no insertTape");`,
		);
		run(process.execPath, [file], project);
	}
});

rmSync(folder, { recursive: true, force: true });
reportTally();
