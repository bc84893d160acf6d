// Parses a command's arguments: a table of command lines and their results.
import { join } from "node:path";
import t from "tap";
import { type Command, defineCommand } from "../../../commands/cli/command.ts";
import {
	argumentsOf,
	COMMON,
	flagsOf,
	groupsOf,
	isOn,
	isShown,
	OWN,
	parseArguments,
} from "../../../commands/cli/options.ts";

const command: Command = defineCommand({
	name: "try",
	summary: "try things",
	args: "TAPE [ID…]",
	arity: { min: 1, max: 3 },
	takesChild: true,
	options: {
		output: { type: "string", default: null, short: "o", metavar: "TAPE", help: "Where to." },
		refresh: { type: "string", default: null, implied: "now", metavar: "TIME", help: "When." },
	},
	groups: async () => [
		{
			title: "Features",
			prefix: "server_replay_",
			table: {
				listen_port: {
					type: "integer",
					default: 8080,
					min: 0,
					max: 65535,
					short: "p",
					metavar: "PORT",
					help: "Port to listen on.",
				},
				server_replay_reuse: { type: "boolean", default: false, help: "Use again." },
				server_replay_extra: { type: "string", default: "404", choices: ["404", "kill"], help: "What else." },
				server_replay_nopop: {
					type: "boolean",
					default: false,
					help: "Old.",
					deprecated: "use server_replay_reuse instead",
				},
				body_size_limit: { type: "size", default: null, aliases: ["body_limit"], help: "How much." },
				map_local: { type: "sequence", default: [], metavar: "RULE", help: "Map." },
				upstream_cert: { type: "boolean", default: true, help: "Copy names." },
				secret: { type: "boolean", default: false, hidden: true, help: "Nobody's business." },
			},
		},
	],
	notes: () => "Notes:\n  something to know\n",
	examples: [["flowtape try x.tape", "tries x"]],
	run: async () => 0,
});

const other: Command = defineCommand({
	name: "other",
	summary: "s",
	args: "",
	arity: { min: 0 },
	examples: [],
	run: async () => 0,
	options: { elsewhere: { type: "boolean", default: false, help: "Elsewhere." } },
});

const parse = (argv: readonly string[], env: NodeJS.ProcessEnv = {}) =>
	parseArguments(command, argv, env, async () => [command, other]);

interface Row {
	argv?: readonly string[];
	env?: NodeJS.ProcessEnv;
	/** The content of flowtape.config.json. */
	file?: object;
	values?: object;
	args?: readonly string[];
	warnings?: readonly string[];
}

const rows: Record<string, Row> = {
	"nothing given": {
		values: { output: null, listen_port: 8080, map_local: [], upstream_cert: true, color: true, quiet: false },
	},
	"long flags, apart and with =": {
		argv: ["--listen-port", "1", "--output=x.tape"],
		values: { listen_port: 1, output: "x.tape" },
	},
	"short flags, apart, glued and together": {
		argv: ["-p", "1", "-ox.tape", "-qv"],
		values: { listen_port: 1, output: "x.tape", quiet: true, verbose: true },
	},
	"flags after arguments": {
		argv: ["-p", "1", "b", "--reuse", "c"],
		args: ["a.tape", "b", "c"],
		values: { server_replay_reuse: true },
	},
	"a single dash, and arguments after --": {
		argv: ["-", "--", "-p"],
		args: ["a.tape", "-", "-p"],
		values: { listen_port: 8080 },
	},
	"the last of two": {
		argv: ["-p", "1", "-p", "2", "--reuse", "--no-reuse"],
		values: { listen_port: 2, server_replay_reuse: false },
	},
	"a prefix that the command leaves out": { argv: ["--extra", "kill"], values: { server_replay_extra: "kill" } },
	"--no-x": { argv: ["--no-upstream-cert", "--no-color"], values: { upstream_cert: false, color: false } },
	sizes: { argv: ["--body-size-limit", "1.5m"], values: { body_size_limit: 1.5 * 1024 * 1024 } },
	"a value that begins with a dash": { argv: ["--map-local", "-a-b"], values: { map_local: ["-a-b"] } },
	"a flag with an optional value": { argv: ["--refresh", "-p", "1"], values: { refresh: "now" } },
	"a flag with an optional value that is given": { argv: ["--refresh=12"], values: { refresh: "12" } },
	"--set": {
		argv: ["--set", "listen_port=1", "--set", "server_replay_extra=kill"],
		values: { listen_port: 1, server_replay_extra: "kill" },
	},
	"--set in kebab-case, with = in the value": { argv: ["--set", "map-local=a=b"], values: { map_local: ["a=b"] } },
	"--set without a value": {
		argv: ["--set", "server_replay_reuse", "--set", "output"],
		values: { server_replay_reuse: true, output: null },
	},
	"--set turns off": { argv: ["--set", "upstream_cert=false"], values: { upstream_cert: false } },
	"lists add up, flags first": {
		argv: ["--set", "map_local=c", "--map-local", "a", "--set", "map_local=d", "--map-local", "b"],
		values: { map_local: ["a", "b", "c", "d"] },
	},
	"the environment": {
		env: {
			FLOWTAPE_LISTEN_PORT: "1",
			FLOWTAPE_SERVER_REPLAY_REUSE: "1",
			FLOWTAPE_UPSTREAM_CERT: "0",
			FLOWTAPE_QUIET: "true",
			FLOWTAPE_MAP_LOCAL: "a\nb\n",
		},
		values: { listen_port: 1, server_replay_reuse: true, upstream_cert: false, quiet: true, map_local: ["a", "b"] },
	},
	"the environment, empty": {
		env: { FLOWTAPE_LISTEN_PORT: "", FLOWTAPE_MAP_LOCAL: "\n", FLOWTAPE_HOME: "/x" },
		values: { listen_port: 8080, map_local: [] },
	},
	"the configuration file": {
		file: { listen_port: 1, "server-replay-reuse": true, map_local: ["a"], elsewhere: true },
		values: { listen_port: 1, server_replay_reuse: true, map_local: ["a"] },
	},
	"a flag before --set": { argv: ["-p", "1", "--set", "listen_port=2"], values: { listen_port: 1 } },
	"--set before the environment": {
		argv: ["--set", "listen_port=2"],
		env: { FLOWTAPE_LISTEN_PORT: "3" },
		values: { listen_port: 2 },
	},
	"the environment before the file": {
		env: { FLOWTAPE_LISTEN_PORT: "3" },
		file: { listen_port: 4 },
		values: { listen_port: 3 },
	},
	"the file before the default": { file: { listen_port: 4 }, values: { listen_port: 4 } },
	"null where something else is the default of the file": {
		argv: ["--set", "output"],
		file: { output: "x.tape" },
		values: { output: null },
	},
	"a list of the command line takes the place of the file's": {
		argv: ["--map-local", "a"],
		file: { map_local: ["b"] },
		values: { map_local: ["a"] },
	},
	"deprecated names": {
		argv: ["--nopop"],
		values: { server_replay_nopop: true },
		warnings: ["--nopop is deprecated: use server_replay_reuse instead"],
	},
	"deprecated names after --set": {
		argv: ["--set", "server_replay_nopop=true"],
		warnings: ["server_replay_nopop is deprecated: use server_replay_reuse instead"],
	},
	"deprecated names in the environment": {
		env: { FLOWTAPE_SERVER_REPLAY_NOPOP: "1" },
		warnings: ["FLOWTAPE_SERVER_REPLAY_NOPOP is deprecated: use server_replay_reuse instead"],
	},
	"old names": {
		argv: ["--set", "body-limit=1k"],
		values: { body_size_limit: 1024 },
		warnings: ["body-limit is an old name: use body_size_limit instead"],
	},
	"old names in the file": {
		file: { body_limit: 5 },
		values: { body_size_limit: 5 },
		warnings: ["flowtape.config.json: body_limit is an old name: use body_size_limit instead"],
	},
};

for (const [name, { argv = [], env = {}, file, values = {}, args = ["a.tape"], warnings = [] }] of Object.entries(
	rows,
)) {
	t.test(name, async (t) => {
		process.chdir(t.testdir(file === undefined ? {} : { "flowtape.config.json": JSON.stringify(file) }));
		const parsed = await parse(["a.tape", ...argv], env);
		t.match(parsed.values, values);
		t.same(parsed.args, args);
		t.same(parsed.warnings, warnings);
		t.equal(parsed.info, null);
	});
}

const mistakes: Record<string, Row & { says: RegExp; code?: string }> = {
	"an unknown flag": {
		argv: ["--lisen-port", "1"],
		says: /^try: unknown option '--lisen-port' \(Did you mean --listen-port\?\)$/,
		code: "FT_USAGE",
	},
	"a flag without its value": { argv: ["-p"], says: /^try: .*--listen-port.* argument missing/, code: "FT_USAGE" },
	"a value for a flag without one": { argv: ["--reuse=true"], says: /^try: .*'--reuse/, code: "FT_USAGE" },
	"an unknown name": {
		argv: ["--set", "lisen_port=1"],
		says: /^--set lisen_port: no such option. Did you mean "listen_port"\?$/,
		code: "FT_USAGE",
	},
	"an unknown name like no other": {
		argv: ["--set", "zzzzzzzz=1"],
		says: /^--set zzzzzzzz: no such option.$/,
		code: "FT_USAGE",
	},
	"an option of another command": { argv: ["--set", "elsewhere=true"], says: /no such option/, code: "FT_USAGE" },
	"an unknown name in the file": {
		file: { lisen_port: 1 },
		says: /^flowtape.config.json: lisen_port: no such option. Did you mean "listen_port"\?$/,
	},
	"a wrong value of a flag": { argv: ["-p", "x"], says: /^-p: expected a whole number .*found "x"$/ },
	"a wrong choice": { argv: ["--extra", "200"], says: /^--extra: expected one of 404, kill, found "200"$/ },
	"a wrong value after --set": {
		argv: ["--set", "listen_port=x"],
		says: /^--set listen_port: expected a whole number .*found "x"$/,
	},
	"a wrong value in the environment": {
		env: { FLOWTAPE_LISTEN_PORT: "x" },
		says: /^FLOWTAPE_LISTEN_PORT: expected a whole number .*found "x"/,
	},
	"a wrong value in the file": {
		file: { listen_port: "x" },
		says: /^flowtape.config.json: listen_port: expected a whole number .*found "x"$/,
	},
	"too many arguments": {
		argv: ["b", "c", "d"],
		says: /^try: expected flowtape try TAPE \[ID…\] \[-- CMD…\], found 4 arguments$/,
		code: "FT_USAGE",
	},
	"no such file": { argv: ["--config", "none.json"], says: /^none.json: no such file$/, code: "FT_NOT_FOUND" },
};

for (const [name, { argv = [], env = {}, file, says, code = "FT_BAD_OPTION" }] of Object.entries(mistakes)) {
	t.test(name, async (t) => {
		process.chdir(t.testdir(file === undefined ? {} : { "flowtape.config.json": JSON.stringify(file) }));
		await t.rejects(parse(["a.tape", ...argv], env), { code, message: says });
	});
}

t.test("too few arguments", async (t) => {
	await t.rejects(parse([]), { code: "FT_USAGE", message: /^try: expected .*found 0 arguments/ });
	await t.rejects(
		parseArguments({ ...command, arity: { min: 2 } }, ["a.tape"], {}, async () => []),
		{ code: "FT_USAGE", message: /^try: expected .*found 1 argument$/ },
	);
});

t.test("help and version are printed even if other arguments are invalid", async (t) => {
	const asks = async (...argv: string[]) => (await parse(argv)).info;
	t.equal(await asks("--help", "--nope"), "full help");
	t.equal(await asks("-h", "-p", "x"), "brief help");
	t.equal(await asks("--version"), "version");
	t.equal(await asks("-V", "a"), "version");
});

t.test("the flags of a command, and those that help shows", async (t) => {
	const flags = await flagsOf(command);
	t.same(
		flags.slice(0, 7).map(({ flag }) => flag),
		["output", "refresh", "listen-port", "reuse", "extra", "nopop", "body-size-limit"],
	);
	const shown = flags.filter(({ spec }) => isShown(spec)).map(({ name }) => name);
	t.ok(shown.includes("upstream_cert"));
	t.notOk(shown.includes("server_replay_nopop") || shown.includes("secret"));
	t.same(
		flags.filter(({ spec }) => isOn(spec)).map(({ name }) => name),
		["upstream_cert", "color"],
	);
	t.same(
		(await groupsOf(command)).map(({ title }) => title),
		[OWN, "Features", COMMON],
	);
	t.equal(argumentsOf(command), "TAPE [ID…] [-- CMD…]");
});

t.test("a named file is read instead of the usual ones", async (t) => {
	const folder = t.testdir({ "flowtape.config.json": '{"listen_port":1}', "mine.json": '{"listen_port":2}' });
	process.chdir(folder);
	t.match((await parse(["a", "--config", join(folder, "mine.json")])).values, { listen_port: 2 });
	t.match((await parse(["a"], { FLOWTAPE_CONFIG: "mine.json" })).values, { listen_port: 2 });
	t.match((await parse(["a"])).values, { listen_port: 1 });
});
