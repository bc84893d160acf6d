// The main use over real sockets: record a client's session, stop the site, and replay the session to the same client.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const flowtape = here("../commands/main.js");
const folder = mkdtempSync(join(tmpdir(), "flowtape-demo-"));
const env = { ...process.env, FLOWTAPE_HOME: join(folder, "home") };

/** Runs a command as a user would type it, and prints it. Ends the demo if the command fails. */
function step(what: string, args: readonly string[]): string {
	console.log(`\n${what}\n  $ flowtape ${args.map(shown).join(" ")}`);
	const { status, stdout, stderr } = spawnSync(process.execPath, [flowtape, ...args], {
		cwd: folder,
		env,
		stdio: ["ignore", "pipe", "pipe"],
		encoding: "utf8",
	});
	// the counts come after the client's lines, as on a terminal
	process.stdout.write(stdout + stderr);
	if (status !== 0) throw new Error(`exit status ${status}`);
	return stdout;
}

function shown(word: string): string {
	if (word === process.execPath) return "node";
	if (word === here("client.js")) return "client.js";
	return /^[\w./:=-]+$/.test(word) ? word : `'${word}'`;
}

const site = spawn(process.execPath, [here("site.js"), join(folder, "site-ca")], {
	stdio: ["ignore", "pipe", "inherit"],
});
try {
	const [line] = (await once(createInterface(site.stdout), "line")) as [string];
	const { http, https } = JSON.parse(line) as { http: string; https: string };
	console.log(`A small site is up at ${http} and ${https}.`);
	const client = [process.execPath, here("client.js"), http, https];
	const trust = ["--set", `ssl_verify_upstream_trusted_ca=${join("site-ca", "flowtape-ca-cert.pem")}`];

	const recorded = step("1. Record what a client does.", [
		"record",
		"session.tape",
		"--listen-port",
		"0",
		...trust,
		"--",
		...client,
	]);

	site.kill();
	await once(site, "exit");
	console.log("\nThe site is stopped.");

	const replayed = step("2. Run the same client again, answered from the tape.", [
		"replay-server",
		"session.tape",
		"--listen-port",
		"0",
		"--",
		...client,
	]);
	if (replayed !== recorded) throw new Error("the client did not get what it had got");
	console.log("The client got the same answers.");

	step("3. Look at what was recorded: requests of the API, one line each.", [
		"filter",
		"~u /api/ & ~c 200",
		"session.tape",
	]);
	step("4. Write a dump that mitmproxy opens.", ["convert", "session.tape", "session.mitm"]);
	console.log(`\nThat is all. Your turn: flowtape record session.tape -- COMMAND`);
} catch (error) {
	console.error(`\nThe demo failed: ${(error as Error).message}`);
	process.exitCode = 1;
} finally {
	site.kill();
	rmSync(folder, { recursive: true, force: true });
}
