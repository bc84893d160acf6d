// `flowtape browser`, with a program in place of the browser: it fetches the page through the proxy.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { command } from "../../commands/browser.ts";
import { startSite } from "../../fixtures/plain-site.ts";
import { runCaptured } from "../../fixtures/run-captured.ts";
import { readTape } from "../../fixtures/tape-files.ts";

const skip = process.platform === "win32" && "scripts are not executable there";

/** A browser of Chromium's family that writes its arguments to a file, opens the page, and ends with a status. */
function browserIn(folder: string, status = 0): { env: NodeJS.ProcessEnv; args(): string[] } {
	const bin = join(folder, "bin");
	const list = join(folder, "arguments.json");
	mkdirSync(bin, { recursive: true });
	const script = `#!${process.execPath}
const { writeFileSync } = require("node:fs");
const { get } = require("node:http");
const args = process.argv.slice(2);
writeFileSync(${JSON.stringify(list)}, JSON.stringify(args));
const { hostname: host, port } = new URL(args.find((arg) => arg.startsWith("--proxy-server=")).slice("--proxy-server=".length));
const url = args.at(-1);
const headers = { host: new URL(url).host };
get({ agent: false, host, port, path: url, headers }, (answer) => answer.resume().on("end", () => process.exit(${status})));
`;
	writeFileSync(join(bin, "chromium"), script, { mode: 0o755 });
	return {
		env: { PATH: bin, FLOWTAPE_HOME: join(folder, "home") },
		args: () => JSON.parse(readFileSync(list, "utf8")),
	};
}

/** The value of an argument such as `--name=value`. */
const optionOf = (args: readonly string[], name: string) =>
	args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3) ?? "";

t.test("records the first run, and replays after the site has stopped", { skip }, async (t) => {
	const folder = t.testdir();
	const { env, args } = browserIn(folder);
	const site = await startSite(t);
	const tape = join(folder, "shop.tape");
	const open = () => runCaptured(command, ["--tape", tape, `${site.url}/a`, "--", "--lang=de"], { env });
	t.match(await open(), { status: 0, err: /recorded 1 flow to .*shop\.tape\n$/ });
	t.equal((await readTape(tape)).flows.length, 1);
	const given = args();
	t.strictSame(given.slice(-2), ["--lang=de", `${site.url}/a`], "arguments of the user, then the page");
	t.equal(optionOf(given, "proxy-bypass-list"), "<-loopback>");
	t.match(
		optionOf(given, "ignore-certificate-errors-spki-list"),
		/^[\w+/]{43}=$/,
		"a pin, and nothing else is trusted",
	);
	t.notOk(given.includes("--no-sandbox"));
	const profile = optionOf(given, "user-data-dir");
	t.match(profile, /flowtape-browser-/);
	t.notOk(existsSync(profile), "the profile is removed");
	await site.close();
	t.match(await open(), { status: 0, err: /served 1, missed 0, unused 0, egress 0\n$/ });
});

t.test("nothing is recorded without a tape", { skip }, async (t) => {
	const folder = t.testdir();
	const { env } = browserIn(folder);
	const site = await startSite(t);
	t.match(await runCaptured(command, [`${site.url}/a`], { env }), { status: 0, err: "" });
});

t.test("if the browser fails, the recording is kept and the status is 4", { skip }, async (t) => {
	const folder = t.testdir();
	const { env } = browserIn(folder, 3);
	const site = await startSite(t);
	const tape = join(folder, "shop.tape");
	const run = await runCaptured(command, ["--tape", tape, `${site.url}/a`], { env });
	t.match(run, { status: 4, err: /chromium ended with status 3; .*--no-sandbox\n/ });
	t.equal((await readTape(tape)).flows.length, 1);
});

t.test("no browser is installed", async (t) => {
	const env = { PATH: t.testdir(), HOME: t.testdir(), FLOWTAPE_HOME: join(t.testdir(), "home") };
	t.match(await runCaptured(command, ["--browser", "edge", "http://a.example"], { env }), {
		status: 4,
		err: /looked for microsoft-edge, microsoft-edge-stable/,
	});
	t.match(await runCaptured(command, ["--browser", "opera", "http://a.example"], { env }), {
		status: 4,
		err: /"opera" is not a browser: expected chromium, chrome, edge, firefox, or the full path of a program/,
	});
});
