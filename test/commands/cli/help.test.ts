// The texts of -h and --help.
import t from "tap";
import { type Command, defineCommand } from "../../../commands/cli/command.ts";
import { briefHelp, fullHelp, helpText, valueWord } from "../../../commands/cli/help.ts";
import { flagsOf } from "../../../commands/cli/options.ts";
import { loadAll } from "../../../commands/list.ts";

const command: Command = defineCommand({
	name: "try",
	summary: "try things",
	args: "TAPE [ID…]",
	arity: { min: 1, max: 3 },
	takesChild: true,
	options: {
		output: { type: "string", default: null, short: "o", metavar: "TAPE", help: "Where to." },
		refresh: { type: "string", default: null, implied: "now", metavar: "TIME", help: "When." },
		invented: { type: "integer", default: null, help: "Has no purpose. At all." },
	},
	groups: async () => [
		{
			title: "Features",
			prefix: "server_replay_",
			table: {
				listen_port: { type: "integer", default: 8080, short: "p", metavar: "PORT", help: "Port to listen on." },
				server_replay_extra: { type: "string", default: "404", choices: ["404", "kill"], help: "What else." },
				server_replay_nopop: { type: "boolean", default: false, help: "Old.", deprecated: "use another" },
				modify_headers: {
					type: "sequence",
					default: [],
					metavar: "/[FILTER/]NAME/[@]VALUE",
					help: "Set or remove a header; the first character is the separator of the rule's parts, whichever it may be.",
				},
				upstream_cert: { type: "boolean", default: true, help: "Copy names." },
				secret: { type: "boolean", default: false, hidden: true, help: "Nobody's business." },
			},
		},
	],
	notes: () => "Notes:\n  something to know\n",
	examples: [1, 2, 3, 4].map((n) => [`flowtape try ${n}.tape`, `tries ${n}`] as const),
	run: async () => 0,
});

t.test("-h: usage, three examples, own options, the most used shared options, and a pointer to the rest", async (t) => {
	t.equal(
		briefHelp(command, await flagsOf(command)),
		`Usage: flowtape try [options] TAPE [ID…] [-- CMD…]
Try things.

Examples:
  $ flowtape try 1.tape
      tries 1
  $ flowtape try 2.tape
      tries 2
  $ flowtape try 3.tape
      tries 3

Options:
  -o, --output TAPE      Where to
  --refresh[=TIME]       When
  --invented N           Has no purpose

Often used:
  -p, --listen-port PORT  Port to listen on
  --extra 404|kill       What else
  --modify-headers RULE  Set or remove a header

Everything: flowtape try --help
`.replace(/^( {2}-.*?) {2,}/gm, (_, left: string) => `${left.padEnd(26)}`),
	);
});

t.test("--help: everything by purpose, common options last", async (t) => {
	const help = fullHelp(command, await flagsOf(command), 90);
	t.match(help, /^Usage: flowtape try \[options\] TAPE \[ID…\] \[-- CMD…\]\n\nTry things.\n\nExamples:\n/);
	t.match(help, / {2}\$ flowtape try 4.tape\n {6}tries 4\n/);
	t.same(
		[...help.matchAll(/^(\S.*):$/gm)].map(([, title]) => title),
		[
			"Examples",
			"Options",
			"Where to listen",
			"How recordings answer",
			"What is changed",
			"TLS",
			"Output",
			"Notes",
			"Common options",
		],
	);
	t.match(help, /\nOptions:\n {2}--invented N +Has no purpose. At all.\n\n/);
	t.match(help, /--extra 404\|kill +What else. \(default: 404\)\n/);
	t.match(help, /-p, --listen-port PORT +Port to listen on. \(default: 8080\)\n/);
	t.match(help, /--no-upstream-cert +Do not copy names.\n/);
	t.match(help, /\n {2}--modify-headers \/\[FILTER\/\]NAME\/\[@\]VALUE\n {34}Set or remove a header; /);
	t.notMatch(help, /nopop|secret|--upstream-cert/);
	t.match(
		help,
		/\nNotes:\n {2}something to know\n\nCommon options:\n[\s\S]*--set NAME=VALUE[\s\S]*--help +Print all options.\n$/,
	);
	for (const line of help.split("\n")) t.ok(line.length <= 90, line);
});

t.test("-h of every command fits on a screen", async (t) => {
	for (const command of await loadAll()) {
		const flags = await flagsOf(command);
		const lines = briefHelp(command, flags).trimEnd().split("\n");
		t.ok(lines.length <= 30, `${command.name}: ${lines.length} lines`);
		t.equal(lines.at(-1), `Everything: flowtape ${command.name} --help`);
		// examples may be longer
		for (const line of lines.filter((each) => /^ {2}-|^\S/.test(each))) t.ok(line.length <= 80, line);
		t.same(
			lines.filter((line) => /^ {2}-.*…$/.test(line)),
			[],
			"no text is cut off",
		);
	}
});

t.test("--help of every command lists all options that are not hidden", async (t) => {
	for (const command of await loadAll()) {
		const flags = await flagsOf(command);
		const help = fullHelp(command, flags, 100);
		for (const { flag, spec } of flags)
			if (!spec.hidden && spec.deprecated === undefined && spec.type !== "function")
				t.match(help, new RegExp(`^ {2}(?:-\\w, )?--(?:no-)?${flag}(?![\\w-])`, "m"), `${command.name} --${flag}`);
	}
});

t.test("the description of a flag, and the placeholder of its value", async (t) => {
	t.equal(helpText({ type: "boolean", default: true, help: "Copy names." }), "Do not copy names.");
	t.equal(helpText({ type: "boolean", default: false, help: "Copy names." }), "Copy names.");
	t.equal(valueWord({ type: "string", default: null, choices: ["a", "b"], metavar: "X", help: "" }), "a|b");
	t.equal(valueWord({ type: "size", default: null, help: "" }), "SIZE");
	t.equal(valueWord({ type: "sequence", default: [], metavar: "TAPE", help: "" }), "TAPE");
});
