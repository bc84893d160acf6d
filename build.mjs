// Bundles the package into dist/. Each command is a chunk, so that a command loads only the code that it needs.
import { execFileSync } from "node:child_process";
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { build } from "esbuild";
import { joinChunks } from "./join-chunks.mjs";

const { version } = JSON.parse(readFileSync("package.json", "utf8"));
const programs = ["commands/main.ts", "index.ts", "demo/demo.ts", "demo/site.ts", "demo/client.ts", "bench/main.ts"];
// the subpaths that programs import (package.json, "exports")
const subpaths = { flow: "api/flow.ts", hooks: "api/hooks.ts", playwright: "integrations/playwright/index.ts" };
// modules that are loaded late (api/late-modules.ts), and their loader, which must be in a chunk for its relative paths
const late = Object.fromEntries(
	["src/filter/compile", "api/exporters", "api/late-modules"].map((name) => [name, `${name}.ts`]),
);
// output paths at which bundled modules expect the code of their threads
const threads = {
	"sqlite-thread/writer-thread": "src/store/sqlite-thread/writer-thread.ts",
	"sqlite/checkpointer-thread": "src/store/sqlite/checkpointer-thread.ts",
};

rmSync("dist", { recursive: true, force: true });
const options = {
	bundle: true,
	format: "esm",
	platform: "node",
	target: "node20",
	packages: "external",
	sourcemap: true,
	define: { "process.env.FLOWTAPE_VERSION": JSON.stringify(version) },
	logLevel: "warning",
};
const { metafile } = await build({
	...options,
	entryPoints: {
		...Object.fromEntries(programs.map((file) => [file.replace(/\.ts$/, ""), file])),
		...subpaths,
		...late,
		...threads,
	},
	outdir: "dist",
	splitting: true,
	metafile: true,
	chunkNames: "chunks/[name]-[hash]",
});
// join chunks that the same entries load
const loading = [
	"index.ts",
	...Object.values(subpaths),
	...["filter", "convert", "rewrite", "record"].map((name) => `commands/${name}.ts`),
];
const fileOf = (source) => Object.keys(metafile.outputs).find((file) => metafile.outputs[file].entryPoint === source);
await joinChunks(metafile.outputs, loading.map(fileOf), options);
// The engine of tests starts with each test file, and loads most of the package. It has chunks of its own, so that those
// that it always loads can be joined.
const { metafile: engine } = await build({
	...options,
	entryPoints: { "test/engine": "integrations/test/engine.ts" },
	outdir: "dist",
	splitting: true,
	sourcemap: false,
	metafile: true,
	chunkNames: "engine/[name]-[hash]",
});
await joinChunks(engine.outputs, ["dist/test/engine.js"], { ...options, minifyWhitespace: true, sourcemap: false });
// what tests import (package.json, "exports"), for ES modules and, except Vitest, for CommonJS
const testEntries = ["index", "jest", "node", "tap"].map((name) => `integrations/test/${name}.ts`);
const testOptions = {
	entryPoints: [...testEntries, "integrations/test/vitest.ts", "integrations/test/worker-route.ts"],
	outdir: "dist/test",
	bundle: true,
	platform: "node",
	target: "node20",
	packages: "external",
	minify: true,
	// Node prints the line of an uncaught error
	lineLimit: 160,
	logLevel: "warning",
};
const { metafile: testModules } = await build({
	...testOptions,
	format: "esm",
	splitting: true,
	chunkNames: "[name]-[hash]",
	metafile: true,
});
await build({
	...testOptions,
	entryPoints: testEntries,
	format: "cjs",
	outExtension: { ".js": ".cjs" },
	define: { "import.meta.url": "moduleUrl" },
	banner: { js: 'const moduleUrl = require("node:url").pathToFileURL(__filename).href;' },
});
for (const [file, { entryPoint, exports }] of Object.entries(testModules.outputs))
	if (testEntries.includes(entryPoint)) writeFileSync(file.replace(/js$/, "d.cts"), commonJsTypes(entryPoint, exports));

/** The types of a CommonJS module with the exports of an ES module. */
function commonJsTypes(entryPoint, names) {
	const module = `"../types/${entryPoint.replace(/ts$/, "js")}" with { "resolution-mode": "import" }`;
	const values = names.map((name) => `export declare const ${name}: typeof module.${name};\n`);
	const classes = names.filter((name) => /^[A-Z]/.test(name)).map((name) => `export type ${name} = module.${name};\n`);
	return [`import type * as module from ${module};\nexport type * from ${module};\n`, ...values, ...classes].join("");
}

// the page of the viewer, for browsers
await build({
	entryPoints: { page: "viewer/page/main.tsx", "page-style": "viewer/page/page.css" },
	outdir: "dist/viewer",
	bundle: true,
	format: "esm",
	platform: "browser",
	target: "es2022",
	jsx: "automatic",
	jsxImportSource: "preact",
	minify: true,
	legalComments: "linked",
	logLevel: "warning",
});
cpSync("viewer/page/index.html", "dist/viewer/index.html");

// code that runs in the Node processes of a recorded command, also in old versions of Node
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
// code that runs in its Python processes
cpSync("src/child/python-clock", "dist/child/python-clock", { recursive: true });
execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.types.json"], { stdio: "inherit" });
