// The options of a command by all their names, and the precedence of values.
import t from "tap";
import { type GivenValues, Registry } from "../../../commands/cli/registry.ts";

const registry = () =>
	new Registry([
		{
			title: "Options",
			table: {
				output: { type: "string", default: null, help: "h" },
				old: { type: "boolean", default: false, deprecated: "use new instead", help: "h" },
			},
		},
		{
			title: "Features",
			prefix: "server_replay_",
			table: {
				server_replay_reuse: { type: "boolean", default: false, aliases: ["nopop"], help: "h" },
				map_local: { type: "sequence", default: ["d"], help: "h" },
			},
		},
	]);

t.test("names, flags and groups", async (t) => {
	const { flags, names } = registry();
	t.same(
		flags.map(({ name, flag, title }) => [name, flag, title]),
		[
			["output", "output", "Options"],
			["old", "old", "Options"],
			["server_replay_reuse", "reuse", "Features"],
			["map_local", "map-local", "Features"],
		],
	);
	t.same([...names], ["output", "old", "server_replay_reuse", "nopop", "map_local"]);
});

t.test("the first value counts; values of lists and --set are joined", async (t) => {
	const options = registry();
	const given: GivenValues = new Map();
	options.readFlags((flag) => ({ "map-local": ["a"], output: "flag" })[flag], given);
	options.readAssignments(["map_local=b", "output=set", "server_replay_reuse=true"], given);
	options.readEnvironment({ FLOWTAPE_OUTPUT: "env", FLOWTAPE_SERVER_REPLAY_REUSE: "0", FLOWTAPE_OLD: "1" }, given);
	options.readConfiguration(
		{ file: "f", values: { old: false, map_local: ["c"], elsewhere: 1, output: undefined } },
		given,
	);
	t.same(options.complete(given), { output: "flag", old: true, server_replay_reuse: true, map_local: ["a", "b"] });
	t.same(options.unknownKeys, ["elsewhere"]);
});

t.test("defaults for options that were not given; an explicit null stays", async (t) => {
	t.same(registry().complete(new Map()), { output: null, old: false, server_replay_reuse: false, map_local: ["d"] });
	const options = new Registry([{ title: "O", table: { extra: { type: "string", default: null, help: "h" } } }]);
	const given: GivenValues = new Map();
	options.readAssignments(["extra"], given);
	options.readConfiguration({ file: "f", values: { extra: "x" } }, given);
	t.same(options.complete(given), { extra: null });
});

t.test("deprecated names cause a warning that names the source", async (t) => {
	const options = registry();
	const given: GivenValues = new Map();
	options.readFlags((flag) => (flag === "old" ? true : undefined), given);
	options.readAssignments(["nopop", "old"], given);
	// a file is read again when scripts have declared options
	for (let n = 0; n < 2; n++) options.readConfiguration({ file: "f", values: { nopop: true } }, given);
	t.same(options.warnings, [
		"--old is deprecated: use new instead",
		"nopop is an old name: use server_replay_reuse instead",
		"old is deprecated: use new instead",
		"f: nopop is an old name: use server_replay_reuse instead",
	]);
	const environment = registry();
	environment.readEnvironment({ FLOWTAPE_OLD: "true" }, new Map());
	t.same(environment.warnings, ["FLOWTAPE_OLD is deprecated: use new instead"]);
});

t.test("an unknown name after --set is an error", async (t) => {
	const all = registry();
	const unknown = all.readAssignments(["map_lokal=x"], new Map());
	t.same(unknown, ["map_lokal=x"], "unless a script declares it");
	t.throws(() => all.rejectUnknown(unknown), {
		code: "FT_USAGE",
		message: '--set map_lokal: no such option. Did you mean "map_local"?',
	});
	all.rejectUnknown([]);
});
