// The import table of ARCHITECTURE.md as rules, for structure.mjs: imports point down, there are no cycles, only one
// file imports each package, and features and formats do not import one another. Imports of types count.

/** For each part, the parts that it may import besides itself. It may also import everything that those may import. */
const parts = {
	"src/errors.js": [],
	"src/options.js": [],
	"src/clock.js": [],
	"src/suggest.js": [],
	"src/crc32.js": [],
	"src/maybe-async.js": [],
	"src/lazy.js": [],
	"src/programs.js": ["src/errors.js"],
	"src/process-mark.js": ["src/errors.js"],
	"src/temporary-folder.js": ["src/errors.js"],
	"src/process-tuning.js": ["src/lazy.js"],
	"src/regex/": ["src/flow/"],
	"src/json/": ["src/errors.js"],
	"src/flow/": ["src/errors.js", "src/lazy.js", "src/maybe-async.js", "src/process-tuning.js"],
	"src/filter/": ["src/flow/", "src/regex/"],
	"src/views/": ["src/flow/", "src/options.js"],
	"src/export/": ["src/flow/", "src/json/", "src/options.js"],
	"src/compare/": ["src/flow/", "src/json/", "src/options.js"],
	"src/redact/": ["src/flow/", "src/json/", "src/regex/", "src/options.js"],
	"src/replay/": [
		"src/redact/",
		"src/flow/",
		"src/json/",
		"src/regex/",
		"src/export/shell.js",
		"src/views/printable.js",
		"src/options.js",
	],
	"src/store/": ["src/crc32.js", "src/filter/"],
	"src/rewrite/": ["src/replay/", "src/store/", "src/temporary-folder.js"],
	"src/hooks/": ["src/filter/", "src/replay/", "src/clock.js"],
	"src/scripts/": [
		"src/suggest.js",
		"src/flow/",
		"src/hooks/(?:hook|decision|connection-hooks|context).js",
		"src/maybe-async.js",
		"src/options.js",
	],
	"src/route/": [],
	"src/ca/": ["src/flow/", "src/programs.js", "src/options.js"],
	"src/child/": ["src/ca/", "src/clock.js", "src/process-mark.js"],
	"src/proxy/": [
		"src/ca/",
		"src/hooks/(?:hook|decision|connection-hooks|authenticator|pipeline).js",
		"src/views/printable.js",
		"src/clock.js",
		"src/maybe-async.js",
	],
	"formats/": ["src/"],
	"api/": ["formats/index.js", "src/"],
	"index.js": ["api/"],
	"viewer/page/": [],
	"viewer/server/": ["viewer/page/", "api/"],
	"integrations/": ["api/", "index.js"],
	"commands/": ["api/", "index.js", "viewer/server/"],
};

/**
 * The folders of src/proxy in the order in which a request passes them. A file imports from its own folder and from
 * later ones.
 */
const proxyFolders = [
	"server",
	"replay-client",
	"entry",
	"client",
	"exchange",
	"websocket",
	"tunnel",
	"tcp",
	"context",
	"upstream",
	"tls",
	"http1",
	"connection",
	"route",
	"http2",
	"body",
	"wire",
];

/** The only files that may import each package. */
const importersOf = {
	"better-sqlite3": "src/store/sqlite/open-tape.js",
	msgpackr: "src/store/record/msgpack.js|src/views/msgpack.js",
	"tough-cookie": "src/flow/cookie-jar.js",
	fzstd: "src/flow/body.js|formats/compression.js",
	"node-forge": "src/ca/export.js",
	commander: "commands/cli/options.js",
	yaml: "api/configuration.js",
	diff: "commands/print/changes.js",
	bcryptjs: "src/hooks/proxy-auth",
	ldapts: "src/hooks/proxy-auth",
	tap: "integrations/test/tap.js",
	preact: "viewer/page/",
	"@preact/signals": "viewer/page/",
};

/** Files of src/hooks that every feature may import. Only src/hooks/builtin.ts imports all features. */
const hookBasics = "hook|decision|connection-hooks|authenticator|pipeline|context|rule|make-response";
/** Files of formats that every format may import. Only formats/index.ts imports all formats. */
const formatBasics =
	"format|input|output|output-error|recording-mark|atomic-file|append-file|records|text-output|long-texts|long-string|json-cost|json-parser|json-record|string-scanner|flush-timer|compression|fields|json-values|odd-fields|own-fields|derived-uuid";

const pattern = (path) => path.replaceAll(".", "\\.");
const allowed = (part) => [part, ...(parts[part] ?? []).flatMap(allowed)];
const ownFiles = "^(?:src|formats|api|commands|viewer|integrations|index)";
const rule = (name, from, to) => ({ name, severity: "error", from, to });

module.exports = {
	forbidden: [
		rule("no circular imports", {}, { circular: true }),
		...Object.keys(parts).map((part) =>
			rule(
				`${part} imports only from the parts listed for it`,
				{ path: `^${pattern(part)}` },
				{ path: ownFiles, pathNot: `^(?:${allowed(part).map(pattern).join("|")})` },
			),
		),
		// the first folder may import from all the others
		...proxyFolders
			.slice(1)
			.map((folder, i) =>
				rule(
					`src/proxy/${folder} imports only from later folders`,
					{ path: `^src/proxy/${folder}(?:/|\\.js)` },
					{ path: "^src/proxy/", pathNot: `^src/proxy/(?:${proxyFolders.slice(i + 1).join("|")})(?:/|\\.js)` },
				),
			),
		rule(
			"every folder of src/proxy is in the list",
			{ pathNot: `^src/proxy/(?:${proxyFolders.join("|")})(?:/|\\.js)`, path: "^src/proxy/" },
			{},
		),
		rule(
			"src/store/record does not import a database",
			{ path: "^src/store/record/" },
			{ path: "^src/store/(?!record/)|better-sqlite3" },
		),
		rule(
			"src/store/sqlite does not import src/store/postgres",
			{ path: "^src/store/sqlite" },
			{ path: "^src/store/postgres/" },
		),
		rule(
			"src/store/postgres does not import src/store/sqlite",
			{ path: "^src/store/postgres/" },
			{ path: "^src/store/sqlite" },
		),
		rule("viewer/page imports no Node.js modules", { path: "^viewer/page/" }, { dependencyTypes: ["core"] }),
		...Object.entries(importersOf).map(([name, importers]) =>
			rule(
				`only the listed files import ${name}`,
				{ pathNot: `^(?:${pattern(importers)})` },
				{ path: `node_modules/${name}/` },
			),
		),
		rule(
			"every imported package is in the list",
			{},
			{ path: "node_modules/", pathNot: `node_modules/(?:${Object.keys(importersOf).join("|")})/` },
		),
		rule("commands use formats only through api", { path: "^commands/" }, { path: "^formats/" }),
		// Vitest is the user's
		rule("every import resolves", { pathNot: "^integrations/test/vitest\\.js" }, { couldNotResolve: true }),
		rule(
			"features do not import one another",
			{ path: "^src/hooks/(?!builtin\\.js)([a-z-]+)" },
			{ path: "^src/hooks/", pathNot: `^src/hooks/(?:(?:${hookBasics})\\.js|$1)` },
		),
		rule(
			"formats do not import one another",
			{ path: "^formats/(?!index\\.js)([a-z-]+)" },
			{ path: "^formats/", pathNot: `^formats/(?:(?:${formatBasics})\\.js|$1)` },
		),
		rule(
			"every file is imported",
			{ orphan: true, pathNot: "^commands/main\\.js|^viewer/page/main\\.js|node-preload|node-clock|\\.d\\.js" },
			{},
		),
	],
	options: { doNotFollow: { path: "node_modules" } },
};
