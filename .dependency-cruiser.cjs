// The import table of ARCHITECTURE.md as rules, for structure.mjs: imports go down, nothing goes round, packages come in by one door, and peers
// do not know one another. Imports of types count.

const errors = "src/errors\\.js";
const options = "src/options\\.js";

/** What each part may import besides itself. */
const parts = {
	"src/flow/": [errors],
	"src/filter/": ["src/flow/", errors],
	"src/replay/": ["src/flow/", "src/export/shell\\.js", options, errors],
	"src/export/": ["src/flow/", errors],
	"src/compare/": ["src/flow/", "src/replay/name-pattern\\.js", options, errors],
	"src/store/": ["src/flow/", "src/filter/", errors],
	"src/rewrite/": ["src/flow/", "src/replay/", "src/store/", options, errors],
	"src/hooks/": ["src/flow/", "src/filter/", "src/replay/", options, errors],
	"src/scripts/": ["src/flow/", "src/hooks/(?:hook|context)\\.js", options, errors],
	"src/proxy/": ["src/flow/", "src/hooks/(?:hook|pipeline)\\.js", options, errors],
	"formats/": ["src/flow/", "src/store/", "src/filter/", "src/replay/", errors],
	"index\\.js": ["src/", "formats/index\\.js"],
	"commands/": ["src/", "formats/index\\.js", "index\\.js"],
};

/** Where a package comes in. */
const doors = {
	"better-sqlite3": "src/store/sqlite-database\\.js",
	msgpackr: "src/store/msgpack\\.js|commands/print/views/msgpack\\.js",
	"tough-cookie": "src/flow/cookies\\.js",
	fzstd: "src/flow/body\\.js|formats/compression\\.js",
	"node-forge": "src/proxy/ca-(?:create|export)\\.js",
	commander: "commands/options\\.js",
	yaml: "commands/configuration\\.js",
	diff: "commands/print/changes\\.js",
	bcryptjs: "src/hooks/proxy-auth",
	ldapts: "src/hooks/proxy-auth",
};

/** Of src/hooks, what every feature may use; the list of features, src/hooks/builtin.ts, knows them all. */
const hookBasics = "hook|pipeline|context|rule|make-response";
/** Of formats, what every format may use; formats/index.ts knows them all. */
const formatBasics =
	"format|input|output|output-error|recording-mark|draft|growing-file|records|text-output|soon|compression|fields|json-values|odd-fields|own-fields";

const rule = (name, from, to) => ({ name, severity: "error", from, to });

module.exports = {
	forbidden: [
		rule("nothing goes round", {}, { circular: true }),
		rule("the foundation imports nothing", { path: `^(?:${errors}|${options})` }, { path: "^(?:src|formats|commands|index)" }),
		...Object.entries(parts).map(([part, may]) =>
			rule(`imports of ${part} go down`, { path: `^${part}` }, { path: "^(?:src|formats|commands|index)", pathNot: `^(?:${[part, ...may].join("|")})` }),
		),
		...Object.entries(doors).map(([name, door]) => rule(`${name} comes in by one door`, { pathNot: `^(?:${door})` }, { path: `node_modules/${name}/` })),
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
