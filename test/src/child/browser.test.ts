// Finds browsers, and prepares their profiles and arguments.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { browserArguments, createProfile, findBrowser, removeProfile } from "../../../src/child/browser.ts";
import { processMark } from "../../../src/process-mark.ts";

const skip = process.platform === "win32" && "files have no mode for executing there";

t.test("the first installed browser, or the named one", { skip }, async (t) => {
	const bin = t.testdir();
	for (const name of ["firefox-esr", "microsoft-edge", "chromium"])
		writeFileSync(join(bin, name), "", { mode: name === "chromium" ? 0o644 : 0o755 });
	const env = { PATH: `/nowhere:${bin}` };
	t.strictSame(findBrowser(null, env), { family: "chromium", program: join(bin, "microsoft-edge") }, "executable");
	t.strictSame(findBrowser("firefox", env), { family: "firefox", program: join(bin, "firefox-esr") });
	t.strictSame(findBrowser(join(bin, "firefox-esr"), env).family, "firefox", "by its path");
	t.throws(() => findBrowser("chromium", env), { code: "FT_COMMAND" });
});

t.test("paths on macOS and Windows", { skip }, async (t) => {
	const home = t.testdir();
	const program = join(home, "Applications", "Firefox.app", "Contents", "MacOS", "firefox");
	mkdirSync(join(program, ".."), { recursive: true });
	writeFileSync(program, "", { mode: 0o755 });
	t.equal(findBrowser("firefox", { HOME: home }, "darwin").program, program);
	const windows = join(home, "Google/Chrome/Application/chrome.exe");
	mkdirSync(join(windows, ".."), { recursive: true });
	writeFileSync(windows, "", { mode: 0o755 });
	t.equal(findBrowser("chrome", { PROGRAMFILES: home }, "win32").program, windows);
});

t.test("profiles are private, and those of dead processes are removed", async (t) => {
	const folder = t.testdir();
	const pid = spawnSync(process.execPath, ["-e", ""]).pid;
	const dead = join(folder, `flowtape-browser-${processMark().replace(/\d+$/, String(pid))}-abc`);
	const other = join(folder, "flowtape-browser-notes");
	mkdirSync(dead);
	mkdirSync(other);
	const profile = await createProfile(folder);
	t.equal(existsSync(dead), false);
	t.equal(existsSync(other), true, "profiles of others");
	if (process.platform !== "win32") t.equal(statSync(profile).mode & 0o777, 0o700);
	const second = await createProfile(folder);
	t.equal(existsSync(profile), true, "in use");
	await removeProfile(profile);
	await removeProfile(second);
	t.equal(existsSync(profile), false);
});

t.test("Firefox trusts the authority in its own store", async (t) => {
	if (spawnSync("certutil", ["-H"]).error !== undefined) {
		t.comment("not run: certutil is not installed");
		return t.end();
	}
	const profile = await createProfile(t.testdir());
	const proxy = { port: 4711, pin: "", certificateFile: join(process.cwd(), "fixtures", "shop-example.pem") };
	const browser = { family: "firefox", program: "/usr/bin/firefox" } as const;
	const args = await browserArguments(browser, profile, proxy, ["--headless"], "http://a.example/");
	t.strictSame(args.slice(-4), ["--profile", profile, "--headless", "http://a.example/"]);
	t.match(readFileSync(join(profile, "user.js"), "utf8"), /"network\.proxy\.http_port", 4711\);\n/);
	t.match(spawnSync("certutil", ["-L", "-d", `sql:${profile}`]).stdout.toString(), /^flowtape +C,,\s*$/m);
	await t.rejects(browserArguments(browser, profile, { ...proxy, certificateFile: "/nowhere.pem" }, [], null), {
		code: "FT_COMMAND",
	});
});
