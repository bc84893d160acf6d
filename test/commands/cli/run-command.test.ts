// Runs a command with its arguments. Every error ends in a message and an exit status.
import { writeFileSync } from "node:fs";
import t from "tap";
import { type Command, defineCommand, type Input } from "../../../commands/cli/command.ts";
import { unknownCommand } from "../../../commands/cli/run-command.ts";
import { runCaptured } from "../../../fixtures/run-captured.ts";
import { FlowtapeError } from "../../../src/errors.ts";

function commandThat(run: (input: Input<never>) => Promise<number> | number): Command {
	return defineCommand({
		name: "try",
		summary: "try things",
		args: "[X…]",
		arity: { min: 0 },
		takesChild: true,
		examples: [],
		options: { mine: { type: "boolean", default: false, help: "Mine." } },
		groups: async () => [
			{ title: "G", table: { theirs: { type: "string", default: "d", deprecated: "leave it", help: "Theirs." } } },
		],
		run: async (input) => run(input as Input<never>),
	});
}

t.before(() => process.chdir(t.testdir()));

t.test("a command gets its arguments, its options, all values, and the command after --", async (t) => {
	let got: unknown;
	const command = commandThat((input) => {
		got = input;
		return 7;
	});
	const { status, err } = await runCaptured(command, [
		"a",
		"--mine",
		"b",
		"--theirs",
		"x",
		"--",
		"cmd",
		"--mine",
		"--",
		"-x",
	]);
	t.equal(status, 7);
	t.match(got, {
		args: ["a", "b"],
		values: { mine: true, theirs: "x", quiet: false },
		child: ["cmd", "--mine", "--", "-x"],
	});
	t.equal(err, "flowtape: --theirs is deprecated: leave it\n");
	await runCaptured(command, []);
	t.match(got, { args: [], values: { mine: false }, child: null });
});

t.test("help is printed, and the command is not run", async (t) => {
	const { status, out } = await runCaptured(
		commandThat(() => 7),
		["--help"],
	);
	t.equal(status, 0);
	t.match(out, /^Usage: flowtape try /);
});

t.test("-- without a command is an error", async (t) => {
	t.same(
		await runCaptured(
			commandThat(() => 7),
			["--"],
		),
		{ status: 2, out: "", err: "flowtape: try: expected a command after --, found none\n" },
	);
});

t.test("a FlowtapeError has a status and no stack; --debug shows stack and causes", async (t) => {
	const cause = new Error("the disk");
	const command = commandThat(() => {
		throw new FlowtapeError("FT_IO", "x.tape: cannot be written", { cause });
	});
	t.same(await runCaptured(command, []), { status: 4, out: "", err: "flowtape: x.tape: cannot be written\n" });
	for (const [argv, env] of [
		[["--debug"], {}],
		[["--set", "debug=true"], {}],
		[[], { FLOWTAPE_DEBUG: "1" }],
	] as const) {
		const { status, err } = await runCaptured(command, argv, { env });
		t.equal(status, 4);
		t.match(
			err,
			/^flowtape: x.tape: cannot be written\nFlowtapeError: x.tape: cannot be written\n +at [\s\S]*\ncaused by Error: the disk\n +at /,
		);
	}
	t.notMatch((await runCaptured(command, ["--", "cmd", "--debug"])).err, /\n +at /, "that is the child's");
});

t.test("errors in arguments too", async (t) => {
	const command = commandThat(() => 7);
	t.match(await runCaptured(command, ["--nope"]), { status: 2, err: /^flowtape: try: unknown option '--nope'\n$/ });
	t.match((await runCaptured(command, ["--nope", "--debug"])).err, /\n +at /);
});

t.test("an error about an option names its flag", async (t) => {
	const failing = defineCommand({
		...commandThat(() => {
			throw new FlowtapeError("FT_BAD_OPTION", "no delay", { option: "server_replay_delay" });
		}),
		groups: async () => [
			{
				title: "",
				prefix: "server_replay_",
				table: { server_replay_delay: { type: "string", default: "none", help: "" } },
			},
		],
	});
	t.match(await runCaptured(failing, []), { status: 2, err: "flowtape: --delay: no delay\n" });
	t.match(await runCaptured(failing, ["--set", "server_replay_delay=x"]), {
		err: "flowtape: --set server_replay_delay: no delay\n",
	});
	t.match(await runCaptured(failing, ["--delay=x"]), { err: "flowtape: --delay: no delay\n" });
});

t.test("an error about an option names it as it was given", async (t) => {
	const failing = defineCommand({
		...commandThat(() => {
			throw new FlowtapeError("FT_BAD_FILTER", "no filter", { option: "save_stream_filter" });
		}),
		options: {
			mine: { type: "boolean", default: false, short: "m", help: "" },
			number: { type: "integer", default: 0, short: "n", help: "" },
			save_stream_filter: { type: "string", default: null, short: "f", flag: "filter", aliases: ["kept"], help: "" },
		},
	});
	writeFileSync("own.yaml", "save_stream_filter: '('\n");
	for (const [argv, where, env] of [
		[["-f", "("], "-f"],
		[["-f("], "-f"],
		[["-mf", "("], "-f"],
		[["--filter", "(", "-q"], "--filter"],
		[["-q", "--filter=("], "--filter"],
		[["-n3", "--set", "kept=("], "--set kept"],
		[["--set", "save-stream-filter=("], "--set save-stream-filter"],
		[[], "FLOWTAPE_SAVE_STREAM_FILTER", { FLOWTAPE_SAVE_STREAM_FILTER: "(" }],
		[["--config", "own.yaml"], "own.yaml: save_stream_filter"],
		[[], "--filter"],
	] as const) {
		const { err } = await runCaptured(failing, argv, env && { env });
		t.equal(err.split("\n").at(-2), `flowtape: ${where}: no filter`, argv.join(" "));
	}
	for (const [argv, where] of [
		[["-n", "x"], "-n"],
		[["-nx"], "-n"],
		[["--number=x"], "--number"],
	] as const)
		t.match((await runCaptured(failing, argv)).err, `flowtape: ${where}: expected a whole number`);
});

t.test("other errors are defects of flowtape, without a stack unless requested", async (t) => {
	const command = commandThat(() => {
		throw new TypeError("x is not a function");
	});
	const { status, err } = await runCaptured(command, []);
	t.equal(status, 4);
	t.equal(
		err,
		"flowtape: x is not a function\nThis is a defect of flowtape; run again with --debug and report what it prints.\n",
	);
	t.match((await runCaptured(command, ["--debug"])).err, /\nTypeError: x is not a function\n +at /);
});

t.test("unknown commands", async (t) => {
	t.match(unknownCommand("filtr", ["filter"]), {
		code: "FT_USAGE",
		message: '"filtr" is not a command. Did you mean "filter"? Try: flowtape --help',
	});
	t.match(unknownCommand("-x", ["filter"]), {
		message: "unknown option '-x' before the command. Try: flowtape --help",
	});
});
