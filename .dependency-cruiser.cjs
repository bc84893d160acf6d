// The import table of ARCHITECTURE.md as rules, for structure.mjs: imports go down, nothing goes round, packages come in by one door, and peers
// do not know one another. Imports of types count.

/** What each part may import besides itself: the parts named, and all that those may import. */
const parts = {
	"src/errors.js": [],
	"src/options.js": [],
	"src/clock.js": [],
	"src/maybe-async.js": [],
	"src/programs.js": ["src/errors.js"],
	"src/process-mark.js": ["src/errors.js"],
	"src/process-tuning.js": [],
	"src/regex/": ["src/flow/"],
	"src/json/": ["src/errors.js"],
	"src/flow/": ["src/errors.js", "src/process-tuning.js"],
	"src/filter/": ["src/flow/", "src/regex/"],
	"src/views/": ["src/flow/", "src/options.js"],
	"src/export/": ["src/flow/", "src/options.js"],
	"src/compare/": ["src/flow/", "src/json/", "src/options.js"],
	"src/replay/": ["src/flow/", "src/json/", "src/regex/", "src/export/shell.js", "src/options.js"],
	"src/store/": ["src/filter/"],
	"src/rewrite/": ["src/replay/", "src/store/"],
	"src/hooks/": ["src/filter/", "src/replay/", "src/clock.js"],
	"src/scripts/": ["src/flow/", "src/hooks/(?:hook|decision|connection-hooks|context).js", "src/maybe-async.js", "src/options.js"],
	"src/ca/": ["src/flow/", "src/programs.js", "src/options.js"],
	"src/child/": ["src/ca/", "src/clock.js"],
	"src/proxy/": ["src/ca/", "src/hooks/(?:hook|decision|connection-hooks|authenticator|pipeline).js", "src/clock.js", "src/maybe-async.js"],
	"formats/": ["src/"],
	"api/": ["formats/index.js", "src/"],
	"index.js": ["api/"],
	"commands/": ["api/", "index.js"],
};

/** The way of a request through the proxy. A file imports from its own folder and from those behind it. */
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

/** Where a package comes in. */
const doors = {
	"better-sqlite3": "src/store/sqlite/database.js",
	msgpackr: "src/store/record/msgpack.js|src/views/msgpack.js",
	"tough-cookie": "src/flow/cookies.js",
	fzstd: "src/flow/body.js|formats/compression.js",
	"node-forge": "src/ca/(?:create|export).js",
	commander: "commands/cli/options.js",
	yaml: "commands/cli/configuration.js",
	diff: "commands/print/changes.js",
	bcryptjs: "src/hooks/proxy-auth",
	ldapts: "src/hooks/proxy-auth",
};

/** Of src/hooks, what every feature may use; the list of features, src/hooks/builtin.ts, knows them all. */
const hookBasics = "hook|decision|connection-hooks|authenticator|pipeline|context|rule|make-response";
/** Of formats, what every format may use; formats/index.ts knows them all. */
const formatBasics =
	"format|input|output|output-error|recording-mark|atomic-file|growing-file|records|text-output|soon|compression|fields|json-values|odd-fields|own-fields";

const pattern = (path) => path.replaceAll(".", "\\.");
const below = (part) => [part, ...(parts[part] ?? []).flatMap(below)];
const ours = "^(?:src|formats|api|commands|index)";
const rule = (name, from, to) => ({ name, severity: "error", from, to });

module.exports = {
	forbidden: [
		rule("nothing goes round", {}, { circular: true }),
		...Object.keys(parts).map((part) =>
			rule(`imports of ${part} go down`, { path: `^${pattern(part)}` }, { path: ours, pathNot: `^(?:${below(part).map(pattern).join("|")})` }),
		),
		...proxyFolders.map((folder, place) =>
			rule(
				`imports of src/proxy/${folder} go on`,
				{ path: `^src/proxy/${folder}(?:/|\\.js)` },
				{ path: "^src/proxy/", pathNot: `^src/proxy/(?:${proxyFolders.slice(place).join("|")})(?:/|\\.js)` },
			),
		),
		rule("src/proxy has no other folders", { pathNot: `^src/proxy/(?:${proxyFolders.join("|")})(?:/|\\.js)`, path: "^src/proxy/" }, {}),
		rule("store/record knows no database", { path: "^src/store/record/" }, { path: "^src/store/(?!record/)|better-sqlite3" }),
		rule("the databases do not know each other", { path: "^src/store/sqlite" }, { path: "^src/store/postgres/" }),
		rule("nor the other way round", { path: "^src/store/postgres/" }, { path: "^src/store/sqlite" }),
		rule("viewer/page runs in a browser", { path: "^viewer/page/" }, { dependencyTypes: ["core"] }),
		...Object.entries(doors).map(([name, door]) =>
			rule(`${name} comes in by one door`, { pathNot: `^(?:${pattern(door)})` }, { path: `node_modules/${name}/` }),
		),
		rule("a package is at some door", {}, { path: "node_modules/", pathNot: `node_modules/(?:${Object.keys(doors).join("|")})/` }),
		rule("what is imported is there", {}, { couldNotResolve: true }),
		rule(
			"features do not know one another",
			{ path: "^src/hooks/(?!builtin\\.js)([a-z-]+)" },
			{ path: "^src/hooks/", pathNot: `^src/hooks/(?:(?:${hookBasics})\\.js|$1)` },
		),
		rule(
			"formats do not know one another",
			{ path: "^formats/(?!index\\.js)([a-z-]+)" },
			{ path: "^formats/", pathNot: `^formats/(?:(?:${formatBasics})\\.js|$1)` },
		),
		rule("every file is used", { orphan: true, pathNot: "^commands/main\\.js|node-preload|node-clock|\\.d\\.js" }, {}),
	],
	options: { doNotFollow: { path: "node_modules" } },
};
