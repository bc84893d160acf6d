// Finds installed browsers, and prepares a profile and arguments that send a browser through the proxy.
import { execFile } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, isAbsolute, join } from "node:path";
import { promisify } from "node:util";
import { FlowtapeError } from "../errors.ts";
import { isProcessGone, MARK, processMark } from "../process-mark.ts";

/** Browsers that are started the same way. */
type Family = "chromium" | "firefox";

interface KnownBrowser {
	readonly family: Family;
	/** Names on the PATH. */
	readonly programs: readonly string[];
	/** Path of the program below /Applications (macOS), and below the program folders (Windows). */
	readonly mac: string;
	readonly windows: string;
}

const browserNames = ["chromium", "chrome", "edge", "firefox"] as const;
export type BrowserName = (typeof browserNames)[number];

const browsers: Readonly<Record<BrowserName, KnownBrowser>> = {
	chromium: {
		family: "chromium",
		programs: ["chromium", "chromium-browser"],
		mac: "Chromium.app/Contents/MacOS/Chromium",
		windows: "Chromium/Application/chrome.exe",
	},
	chrome: {
		family: "chromium",
		programs: ["google-chrome", "google-chrome-stable"],
		mac: "Google Chrome.app/Contents/MacOS/Google Chrome",
		windows: "Google/Chrome/Application/chrome.exe",
	},
	edge: {
		family: "chromium",
		programs: ["microsoft-edge", "microsoft-edge-stable"],
		mac: "Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
		windows: "Microsoft/Edge/Application/msedge.exe",
	},
	firefox: {
		family: "firefox",
		programs: ["firefox", "firefox-esr"],
		mac: "Firefox.app/Contents/MacOS/firefox",
		windows: "Mozilla Firefox/firefox.exe",
	},
};

/** An installed browser. */
export interface Browser {
	readonly family: Family;
	/** Path of the program. */
	readonly program: string;
}

/**
 * The named browser, or the first that is installed.
 * @param name one of `browserNames`, or the full path of a program; null: any browser
 * @throws FlowtapeError FT_COMMAND if there is none
 */
export function findBrowser(name: string | null, env: NodeJS.ProcessEnv, platform = process.platform): Browser {
	if (name !== null && !isBrowserName(name)) {
		if (!isAbsolute(name) || !isExecutable(name))
			throw new FlowtapeError(
				"FT_COMMAND",
				`"${name}" is not a browser: expected ${browserNames.join(", ")}, or the full path of a program`,
			);
		return { family: /firefox/i.test(name) ? "firefox" : "chromium", program: name };
	}
	const wanted = name === null ? browserNames : [name];
	const places = wanted.flatMap((each) => placesOf(browsers[each], env, platform));
	const found = places.find(({ program }) => isExecutable(program));
	if (found !== undefined) return found;
	const looked = wanted.flatMap((each) => browsers[each].programs).join(", ");
	throw new FlowtapeError(
		"FT_COMMAND",
		`no browser found: looked for ${looked}; install one, or name its program with --browser PATH`,
	);
}

function isBrowserName(name: string): name is BrowserName {
	return (browserNames as readonly string[]).includes(name);
}

function placesOf(
	{ family, programs, mac, windows }: KnownBrowser,
	env: NodeJS.ProcessEnv,
	platform: NodeJS.Platform,
): Browser[] {
	const roots = [env.PROGRAMFILES, env["PROGRAMFILES(X86)"], env.LOCALAPPDATA].filter((root) => root !== undefined);
	const paths = {
		win32: () => roots.map((root) => join(root, windows)),
		darwin: () => [join("/Applications", mac), ...(env.HOME ? [join(env.HOME, "Applications", mac)] : [])],
		other: () => [],
	}[platform === "win32" || platform === "darwin" ? platform : "other"]();
	const folders = (env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
	const onPath = platform === "win32" ? [] : programs.flatMap((name) => folders.map((folder) => join(folder, name)));
	return [...onPath, ...paths].map((program) => ({ family, program }));
}

function isExecutable(file: string): boolean {
	try {
		accessSync(file, constants.X_OK);
		return true;
	} catch {
		return false;
	}
}

const PREFIX = "flowtape-browser-";
const PROFILE = new RegExp(`^${PREFIX}(${MARK.source})-`);

/**
 * Creates an empty profile that only this user can read, and returns its path. Also removes profiles that earlier
 * flowtape processes left behind when they were killed.
 */
export async function createProfile(folder: string = tmpdir()): Promise<string> {
	for (const entry of await readdir(folder)) {
		const mark = PROFILE.exec(entry)?.[1];
		// A profile of another user cannot be removed.
		if (mark !== undefined && isProcessGone(mark)) await removeProfile(join(folder, entry)).catch(() => {});
	}
	return mkdtemp(join(folder, `${PREFIX}${processMark()}-`));
}

/** Removes a profile. Retries for some seconds, because the browser's last processes may still write to it. */
export async function removeProfile(profile: string): Promise<void> {
	await rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

/** The address of the proxy, and the authority to trust. */
export interface BrowserProxy {
	readonly port: number;
	/** The pin of the authority's key, as Chromium expects it. */
	readonly pin: string;
	/** PEM file of the authority's certificate. */
	readonly certificateFile: string;
}

/**
 * Prepares the profile for the proxy, and returns the browser's arguments. Requests to loopback addresses go through
 * the proxy, too.
 * @param extra arguments of the user
 * @param url the page to open; null: an empty page
 * @throws FlowtapeError FT_COMMAND if Firefox's certificate store cannot be written
 */
export async function browserArguments(
	{ family }: Browser,
	profile: string,
	proxy: BrowserProxy,
	extra: readonly string[],
	url: string | null,
): Promise<string[]> {
	if (family === "chromium") return [...chromiumArguments(profile, proxy), ...extra, url ?? "about:blank"];
	await writeFile(join(profile, "user.js"), firefoxPreferences(proxy));
	await trustInFirefox(profile, proxy.certificateFile);
	return ["--no-remote", "--new-instance", "--profile", profile, ...extra, url ?? "about:blank"];
}

function chromiumArguments(profile: string, { port, pin }: BrowserProxy): string[] {
	return [
		`--user-data-dir=${profile}`,
		`--proxy-server=http://127.0.0.1:${port}`,
		"--proxy-bypass-list=<-loopback>",
		`--ignore-certificate-errors-spki-list=${pin}`,
		// HTTP/3 does not use the proxy
		"--disable-quic",
		"--no-first-run",
		"--no-default-browser-check",
	];
}

function firefoxPreferences({ port }: BrowserProxy): string {
	const preferences = {
		"network.proxy.type": 1,
		"network.proxy.http": "127.0.0.1",
		"network.proxy.http_port": port,
		"network.proxy.ssl": "127.0.0.1",
		"network.proxy.ssl_port": port,
		"network.proxy.no_proxies_on": "",
		"network.proxy.allow_hijacking_localhost": true,
		"network.http.http3.enable": false,
		"browser.shell.checkDefaultBrowser": false,
		"browser.aboutwelcome.enabled": false,
		"browser.startup.homepage_override.mstone": "ignore",
		"datareporting.policy.dataSubmissionEnabled": false,
	};
	return Object.entries(preferences)
		.map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`)
		.join("");
}

async function trustInFirefox(profile: string, certificateFile: string): Promise<void> {
	const run = promisify(execFile);
	const database = ["-d", `sql:${profile}`];
	try {
		await run("certutil", ["-N", ...database, "--empty-password"]);
		await run("certutil", ["-A", ...database, "-t", "C,,", "-n", "flowtape", "-i", certificateFile]);
	} catch (cause) {
		throw new FlowtapeError(
			"FT_COMMAND",
			"cannot add the certificate to Firefox's profile: certutil is missing or failed; install it (Debian: libnss3-tools, Fedora: nss-tools, Homebrew: nss)",
			{ cause },
		);
	}
}
