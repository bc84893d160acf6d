// Bundles the package into dist/: each command a chunk of its own, so that a command loads only what it needs.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { build } from "esbuild";

const { version } = JSON.parse(readFileSync("package.json", "utf8"));
const entries = ["commands/main.ts", "index.ts", "demo/demo.ts", "bench/main.ts"].filter((file) => existsSync(file));

rmSync("dist", { recursive: true, force: true });
await build({
	entryPoints: entries,
	outdir: "dist",
	outbase: ".",
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
if (existsSync("index.ts")) {
	execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.types.json"], { stdio: "inherit" });
}
