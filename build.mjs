// Bundles the package into dist/: each command a chunk of its own, so that a command loads only what it needs.
import { execFileSync } from "node:child_process";
import { cpSync, readFileSync, rmSync } from "node:fs";
import { build } from "esbuild";

const { version } = JSON.parse(readFileSync("package.json", "utf8"));
const programs = ["commands/main.ts", "index.ts", "demo/demo.ts", "demo/site.ts", "demo/client.ts", "bench/main.ts"];
// what programs import (package.json, "exports")
const subpaths = { flow: "api/flow.ts", hooks: "api/hooks.ts" };
// where modules of a bundle look for them too
const threads = {
	"sqlite-thread/writer-thread": "src/store/sqlite-thread/writer-thread.ts",
	"sqlite/checkpointer-thread": "src/store/sqlite/checkpointer-thread.ts",
};

rmSync("dist", { recursive: true, force: true });
await build({
	entryPoints: { ...Object.fromEntries(programs.map((file) => [file.replace(/\.ts$/, ""), file])), ...subpaths, ...threads },
	outdir: "dist",
	bundle: true,
	splitting: true,
	format: "esm",
	platform: "node",
	target: "node20",
	packages: "external",
	sourcemap: true,
	chunkNames: "chunks/[name]-[hash]",
	define: { "process.env.FLOWTAPE_VERSION": JSON.stringify(version) },
	logLevel: "warning",
});
// loaded by the Node processes that a recorded command starts, old ones too
await build({
	entryPoints: ["src/child/node-preload.cts", "src/child/node-clock.cts"],
	outdir: "dist/child",
	outExtension: { ".js": ".cjs" },
	bundle: true,
	format: "cjs",
	platform: "node",
	target: "node14",
	logLevel: "warning",
});
// and by its Python processes
cpSync("src/child/python-clock", "dist/child/python-clock", { recursive: true });
execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.types.json"], { stdio: "inherit" });
