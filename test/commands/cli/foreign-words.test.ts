// Translates command lines of other tools. The parser of flowtape accepts every translation.
import t from "tap";
import { reportTranslation, translate } from "../../../commands/cli/foreign-words.ts";
import { checkUsage } from "../../../commands/cli/options.ts";
import { rejectCommand, runCommand } from "../../../commands/cli/run-command.ts";
import { shellWords } from "../../../commands/explain/shell-words.ts";
import { commands, loadAll } from "../../../commands/list.ts";
import { captureIo } from "../../../fixtures/run-captured.ts";

const lines: Readonly<Record<string, string>> = {
	// mitmproxy, without a command
	"-w out.mitm": "record out.mitm",
	"-w +out.mitm -p 3000": "record out.mitm -p 3000",
	"-w out.mitm '~d example.com'": "record out.mitm -f '~d example.com'",
	"-nr in.mitm": "filter '~all' in.mitm",
	"-nr in.mitm '~c 500'": "filter '~c 500' in.mitm",
	"-nr in.mitm -w out.mitm": "convert in.mitm out.mitm",
	"-nr in.mitm --set hardump=out.har": "convert in.mitm out.har",
	"-nr in.mitm --set flow_detail=3": "show in.mitm",
	"-n -r in.mitm -w out.mitm -H /cookie/": "rewrite in.mitm -o out.mitm --modify-headers /cookie/",
	"-nr in.mitm -s addon.py": "rewrite in.mitm --dry-run -s addon.mjs",
	"-C in.mitm": "replay-client in.mitm",
	"-nC in.mitm -w out.mitm": "replay-client in.mitm -o out.mitm",
	"-S in.mitm": "replay-server in.mitm",
	"-S in.mitm --server-replay-reuse --set server_replay_extra=404":
		"replay-server in.mitm --reuse --set server_replay_extra=404",
	"-S in.mitm --set flow_detail=0": "replay-server in.mitm -q",
	"-S in.mitm -w out.mitm": "record out.mitm -S in.mitm",
	"-B /a/b -M '|x|y'": "record session.tape --modify-body /a/b --map-remote '|x|y'",
	"--port 3000": "record session.tape --listen-port 3000",
	"-s addon.py": "record session.tape -s addon.mjs",
	"--mode transparent -w out.mitm": "record out.mitm",
	// the whole line
	"mitmdump -nr in.mitm -w out.mitm '~d x'": "filter '~d x' in.mitm -o out.mitm",
	"mitmdump -q -w out.mitm -k --mode reverse:https://example.com":
		"record out.mitm -q -k --mode reverse:https://example.com",
	"mitmproxy -r in.mitm": "filter '~all' in.mitm",
	"mitmdump -w out.mitm --set stream_large_bodies=1m --set flow_detail=2":
		"record out.mitm --set stream_large_bodies=1m -v",
	mitmdump: "record session.tape",
	"mitmdump -nr in.mitm -w out.mitm --set modify_body=/a/b": "rewrite in.mitm -o out.mitm --set modify_body=/a/b",
	"mitmdump --set server_replay=in.mitm --set server_replay_kill_extra=true": "replay-server in.mitm --extra kill",
	"mitmdump -w out.mitm --set rawtcp=true --set termlog_verbosity=debug": "record out.mitm --record-tcp -v",
	"mitmdump -w out.mitm --set scripts=addon.py --set server=true": "record out.mitm --script addon.mjs",
	"hoverfly -capture -pp 8500 -export out.har": "record out.har --listen-port 8500",
	"hoverfly -import in.har -spy": "replay-server in.har --extra forward",
	// foreign options of a command
	"record -w out.tape": "record out.tape",
	"record out.tape '~d x'": "record out.tape -f '~d x'",
	"record out.tape -H /a/b -s addon.py": "record out.tape --modify-headers /a/b -s addon.mjs",
	"record out.tape -H x-test:1": "record out.tape --modify-headers '/~q/x-test/1'",
	"record out.tape --header referer:http://a": "record out.tape --modify-headers '|~q|referer|http://a'",
	"record out.tape -H cookie:": "record out.tape --modify-headers '/~q/cookie/'",
	"record out.tape --set flow_detail=2 -- npm test": "record out.tape -v -- npm test",
	"record out.tape --port=3000": "record out.tape --listen-port 3000",
	"record out.tape --proxy-all https://example.com": "record out.tape --mode reverse:https://example.com",
	"filter -r in.mitm '~c 500' -w out.mitm": "filter '~c 500' in.mitm -o out.mitm",
	"rewrite in.tape -w out.tape -B /a/b": "rewrite in.tape -o out.tape --modify-body /a/b",
	"replay-server in.tape --ignore-query": "replay-server in.tape --ignore-params '*'",
	"replay-server in.tape --server-replay-ignore-host": "replay-server in.tape --ignore-host",
	"replay-server -S in.mitm --server-replay-kill-extra": "replay-server in.mitm --extra kill",
	"mitmdump -S in.mitm --server-replay-kill-extra": "replay-server in.mitm --extra kill",
	"record out.tape -S in.mitm --server-replay-kill-extra --port 3000":
		"record out.tape -S in.mitm --server-replay-extra kill --listen-port 3000",
	"replay-client -C in.tape --target http://localhost:3000": "replay-client in.tape --to http://localhost:3000",
	"run t.tape --record-mode new_episodes -- npm test": "run t.tape --record-mode new-episodes -- npm test",
	"run t.tape --vcr-record=none -- npm test": "run t.tape --record-mode none -- npm test",
	"run t.tape --lockdown -- npm test": "run t.tape --record-mode none -- npm test",
	// foreign commands
	"rec out.tape -p 3000": "record out.tape -p 3000",
	proxy: "record session.tape",
	"replay in.tape --port 3000 -- npm test": "replay-server in.tape --listen-port 3000 -- npm test",
	"play in.tape": "replay-server in.tape",
	"spy in.tape": "replay-server in.tape --extra forward",
	"redact in.tape": "rewrite in.tape -o rewritten.tape --redact",
	"scrub in.tape -o out.tape": "rewrite in.tape --redact -o out.tape",
	"dump in.tape": "show in.tape",
	"ls in.tape": "filter '~all' in.tape",
	"grep '~c 500' in.tape": "filter '~c 500' in.tape",
	"compare a.tape b.tape": "diff a.tape b.tape",
};

const own = [
	"record out.tape --nope",
	"view in.tape",
	"scan in.tape",
	"split in.tape",
	"browser",
	"record out.tape --intercept x",
	"filter '~c 500' in.tape --jsn",
	"filtr x",
	"-x",
	"run t.tape --record-mode sometimes -- npm test",
];

for (const [foreign, line] of Object.entries(lines)) {
	t.test(foreign, async (t) => {
		const all = await loadAll();
		t.equal((await translate(shellWords(foreign), all))?.commandLine, `flowtape ${line}`);
		const [name = "", ...argv] = shellWords(line);
		const at = argv.indexOf("--");
		const command = await commands[name]?.();
		t.ok(command !== undefined && (await checkUsage(command, at === -1 ? argv : argv.slice(0, at))), "it is taken");
	});
}

const leftOut: Readonly<Record<string, readonly [line: string, ...notes: RegExp[]]>> = {
	"mitmdump --showhost -w out.mitm": ["record out.mitm", /^showhost is left out: URLs /],
	"mitmdump -w out.mitm --set showhost=true --set keepserving=true": ["record out.mitm", /^showhost/, /^keepserving/],
	"mitmdump -w out.mitm --no-rawtcp --set termlog_verbosity=warn": [
		"record out.mitm",
		/^rawtcp=false is left out/,
		/^termlog_verbosity=warn is left out/,
	],
	"mitmdump -n -w out.mitm": ["record out.mitm", /^-n is left out: flowtape record starts a proxy/],
	"mitmdump -w out.mitm --set mode=transparent": ["record out.mitm", /^--mode transparent is left out/],
	"mitmdump -w out.mitm --set strip_ech=false --set connect_addr=10.0.0.1": [
		"record out.mitm",
		/^--set strip_ech=false is left out: flowtape record has no such option$/,
		/^--set connect_addr=10.0.0.1 is left out/,
	],
	"mitmdump -nr in.mitm -w out.mitm -k -p 3000 --http2 -S other.mitm --flow-detail 3": [
		"convert in.mitm out.mitm",
		/^-k is left out: flowtape convert has no such option$/,
		/^-p 3000 is left out/,
		/^--http2 is left out/,
		/^-S other.mitm is left out/,
		/^flow_detail=3 is left out: flowtape show out.mitm /,
	],
	"mitmdump -w %Y-%m-%d.mitm": ["record %Y-%m-%d.mitm", /^%Y-%m-%d.mitm: % is kept as it is/],
	"mitmdump -w out.mitm -e": ["record out.mitm", /^-e is left out/],
};

for (const [foreign, [line, ...notes]] of Object.entries(leftOut))
	t.test(`notes on parts without a counterpart: ${foreign}`, async (t) => {
		const translation = await translate(shellWords(foreign), await loadAll());
		t.equal(translation?.commandLine, `flowtape ${line}`);
		t.equal(translation?.notes.length, notes.length);
		t.match(translation?.notes, notes);
	});

for (const line of own)
	t.test(`no translation for: ${line}`, async (t) => t.equal(await translate(shellWords(line), await loadAll()), null));

t.test("stderr has the translation on a line of its own and the remaining steps; nothing is run", async (t) => {
	process.chdir(t.testdir({ "addon.py": "raise SystemExit" }));
	const { io, captured } = captureIo();
	const record = await commands.record?.();
	if (record === undefined) throw new Error("no record");
	t.equal(await runCommand(record, ["out.tape", "-s", "addon.py", "-p", "0"], io, loadAll), 2);
	t.equal(
		captured.err,
		`flowtape: "addon.py" belongs to another tool. The equivalent command is:
  flowtape record out.tape -s addon.mjs -p 0
flowtape: scripts are JavaScript: rewrite addon.py as addon.mjs, with the same functions (docs/scripts.md)
`,
	);
	t.equal(captured.out, "");
});

t.test("an unknown command, with and without a translation", async (t) => {
	const rec = captureIo();
	t.equal(await rejectCommand(["rec", "x.tape"], rec.io, loadAll), 2);
	t.match(rec.captured.err, /\n {2}flowtape record x.tape\n$/);
	const filtr = captureIo();
	t.equal(await rejectCommand(["filtr", "x"], filtr.io, loadAll), 2);
	t.match(filtr.captured.err, /^flowtape: "filtr" is not a command. Did you mean "filter"\? /);
	t.equal(await reportTranslation(["filtr"], await loadAll(), captureIo().io), false);
});
