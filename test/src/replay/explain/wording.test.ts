// The words of advice: flags that a shell and the command accept.
import t from "tap";
import { flagOf, flagWording } from "../../../../src/replay/explain/wording.ts";

t.test("flags", (t) => {
	t.equal(flagOf({ name: "server_replay_ignore_json", value: "/a b/it's" }), `--ignore-json '/a b/it'\\''s'`);
	t.equal(flagOf({ name: "server_replay_ignore_params", value: "" }), "--ignore-params ''");
	t.equal(flagOf({ name: "server_replay_ignore_params", value: "-x" }), "--ignore-params=-x");
	t.equal(flagOf({ name: "server_replay_ignore_host", value: true }, ""), "--server-replay-ignore-host");
	t.end();
});

t.test("several options in one line", (t) => {
	const options = [
		{ name: "server_replay_ignore_params", value: "t" },
		{ name: "server_replay_ignore_host", value: true },
	] as const;
	t.equal(flagWording().optionsText(options), "--ignore-params t --ignore-host");
	t.equal(
		flagWording("").optionsText(options),
		"--server-replay-ignore-params t --server-replay-ignore-host",
		"with the names of other commands",
	);
	t.end();
});
