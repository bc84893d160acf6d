// Options of programs are partial, in camelCase and checked as flags are.
import t from "tap";
import { camelCase, optionValues } from "../../api/options.ts";

const table = {
	listen_port: { type: "integer", default: null, min: 0, max: 65535, help: "h" },
	body_limit: { type: "size", default: null, help: "h" },
	server_replay_extra: { type: "string", default: "404", choices: ["404", "kill"], help: "h" },
	server_replay_nopop: { type: "boolean", default: false, help: "h", deprecated: "use another" },
	anticache: { type: "boolean", default: false, help: "h" },
	map_local: { type: "sequence", default: [], help: "h" },
} as const;

t.test("defaults and given values", async (t) => {
	t.same(optionValues(table, {}, { verb: "record" }), {
		listen_port: null,
		body_limit: null,
		server_replay_extra: "404",
		server_replay_nopop: false,
		anticache: false,
		map_local: [],
	});
	const values = optionValues(
		table,
		{ listenPort: 0, bodyLimit: "1k", serverReplayExtra: "kill", mapLocal: ["|a|b"], anticache: undefined },
		{ verb: "record" },
	);
	t.match(values, {
		listen_port: 0,
		body_limit: 1024,
		server_replay_extra: "kill",
		map_local: ["|a|b"],
		anticache: false,
	});
	t.equal(
		optionValues(table, { extra: "kill" }, { verb: "replayServer", prefix: "server_replay_" }).server_replay_extra,
		"kill",
	);
});

t.test("unknown options are an error that suggests one", async (t) => {
	const refused = (given: object, message: RegExp, others: readonly string[] = []) =>
		t.throws(() => optionValues(table, given, { verb: "record", others }), { code: "FT_BAD_OPTION", message });
	refused({ listenProt: 1 }, /^record: "listenProt" is not an option\. Did you mean "listenPort"\?$/);
	refused({ listen_port: 1 }, /Did you mean "listenPort"\?/);
	refused({ filtr: "~c 500" }, /Did you mean "filter"\?/, ["filter"]);
	t.equal(optionValues(table, { filter: 1 } as object, { verb: "record", others: ["filter"] }).listen_port, null);
	refused({ serverReplayNopop: true }, /is not an option/);
	refused({ zebra: 1 }, /^record: "zebra" is not an option\.$/);
	refused({ constructor: 1 }, /is not an option/);
	const renamed = { listen_port: "port" } as const;
	t.equal(optionValues(table, { port: 80 }, { verb: "record", renamed }).listen_port, 80);
	const old: object = { listenPort: 80 };
	t.throws(() => optionValues(table, old, { verb: "record", renamed }), {
		message: 'record: "listenPort" is not an option. Did you mean "port"?',
	});
});

t.test("an invalid value is rejected", async (t) => {
	const refused = (given: object, message: RegExp) =>
		t.throws(() => optionValues(table, given, { verb: "record" }), { code: "FT_BAD_OPTION", message });
	refused({ listenPort: 70_000 }, /^record: listenPort: expected a whole number from 0 to 65535, found "70000"$/);
	refused({ serverReplayExtra: "403" }, /record: serverReplayExtra: expected one of 404, kill, .*found "403"$/);
	refused({ anticache: {} }, /record: anticache: expected a value of type boolean, found/);
	refused({ mapLocal: [1] }, /expected a list of strings, found 1/);
});

t.test("names in camelCase", async (t) => {
	t.equal(camelCase("server_replay_ignore_params"), "serverReplayIgnoreParams");
	t.equal(camelCase("http2"), "http2");
});
