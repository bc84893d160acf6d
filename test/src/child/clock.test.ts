// Commands whose clock shows the time of a recording.
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { httpFlow, STARTED } from "../../../fixtures/build-flow.ts";
import { cliFile } from "../../../fixtures/cli.ts";
import { writeTape } from "../../../fixtures/tape-files.ts";
import { findFaketime, movedClock } from "../../../src/child/clock.ts";
import { hasProgram } from "../../../src/programs.ts";

const main = fileURLToPath(new URL("../../../commands/main.js", import.meta.url));
const DAYS = 24 * 3600;
const plain = { PATH: process.env.PATH ?? "" };

t.test("existing variables are kept", (t) => {
	t.match(movedClock({ A: "1" }, -DAYS, null, 1000), {
		A: "1",
		FLOWTAPE_CLOCK_OFFSET: "-86400",
		FLOWTAPE_CLOCK_STARTED: "1000",
		NODE_OPTIONS: /^--require .*node-clock\.cjs$/,
	});
	t.notOk("LD_PRELOAD" in movedClock({}, -DAYS, null));
	t.match(
		movedClock(
			{ NODE_OPTIONS: "--no-warnings", LD_PRELOAD: "a.so", PYTHONPATH: "/lib/mine" },
			DAYS,
			"/lib/faketime.so",
		),
		{
			NODE_OPTIONS: /^--no-warnings --require /,
			LD_PRELOAD: "a.so:/lib/faketime.so",
			PYTHONPATH: /python-clock:\/lib\/mine$/,
			FAKETIME: "+86400",
		},
	);
	t.end();
});

t.test("finds libfaketime", (t) => {
	const root = t.testdir();
	t.equal(findFaketime([root, join(root, "none")]), null);
	mkdirSync(join(root, "aarch64-linux-gnu", "faketime"), { recursive: true });
	writeFileSync(join(root, "aarch64-linux-gnu", "faketime", "libfaketimeMT.so.1"), "");
	t.equal(findFaketime([join(root, "none"), root]), join(root, "aarch64-linux-gnu", "faketime", "libfaketimeMT.so.1"));
	t.end();
});

t.test(
	"--freeze-time: programs get the time of the recording, its dates, and certificates that are valid at that time",
	async (t) => {
		const folder = t.testdir();
		const tape = join(folder, "a.tape");
		const date = "Tue, 14 Nov 2023 22:13:20 GMT";
		await writeTape(tape, [
			httpFlow({
				request: { scheme: "https", host: "a.invalid" },
				response: { headers: [["Date", date]], body: "from node\n" },
			}),
			httpFlow({
				request: { scheme: "https", host: "b.invalid" },
				response: { headers: [["Date", date]], body: "from curl\n" },
			}),
		]);
		const node = `require("node:https").get("https://a.invalid/", (response) => console.log(new Date().toISOString().slice(0, 13), response.headers.date) ?? response.pipe(process.stdout));`;
		const hasOthers = findFaketime() !== null && ["curl", "date"].every((program) => hasProgram(program, process.env));
		const others = hasOthers ? `; date -u +%Y-%m-%dT%H; curl -sS https://b.invalid/` : "";
		const script = `"${process.execPath}" -e '${node}'${others}`;
		const { status, stdout, stderr } = spawnSync(
			process.execPath,
			[main, "replay-server", tape, "-p", "0", "--freeze-time", "--", "sh", "-c", script],
			{
				env: { ...plain, FLOWTAPE_HOME: join(folder, "home") },
			},
		);
		const hour = new Date(STARTED * 1000).toISOString().slice(0, 13);
		t.equal(
			stdout.toString(),
			`${hour} ${date}\nfrom node\n${hasOthers ? `${hour}\nfrom curl\n` : ""}`,
			stderr.toString(),
		);
		t.equal(status, 0);
	},
);

const hasPython = findFaketime() !== null && spawnSync("python3", ["--version"]).status === 0;
t.test(
	"--freeze-time: time.sleep of Python works, and its own sitecustomize is loaded",
	{ skip: !hasPython && "no Python, or no libfaketime" },
	async (t) => {
		const folder = t.testdir({ mine: { "sitecustomize.py": "import builtins; builtins.mine = 'mine'" } });
		const tape = join(folder, "a.tape");
		await writeTape(tape, [httpFlow()]);
		const script =
			"import time; start = time.monotonic(); time.sleep(0.1); print(time.gmtime().tm_year, mine, 0.09 < time.monotonic() - start < 5)";
		const { stdout, stderr } = spawnSync(
			process.execPath,
			[cliFile, "replay-server", tape, "-p", "0", "--freeze-time", "--", "python3", "-c", script],
			{
				env: {
					...plain,
					HOME: process.env.HOME ?? "",
					FLOWTAPE_HOME: join(folder, "home"),
					PYTHONPATH: join(folder, "mine"),
				},
			},
		);
		t.equal(stdout.toString(), `${new Date(STARTED * 1000).getUTCFullYear()} mine True\n`, stderr.toString());
	},
);
