// Tries runtimes one after another: each is asked for a host of its own, which only the proxy knows, and the proxy tells what came.
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hasProgram } from "../../src/programs.ts";
import type { Seen } from "./client-observer.ts";
import { NOT_INSTALLED, type Probe } from "./probes.ts";

export interface Finding {
	readonly runtime: string;
	/** Whether it went through the proxy. */
	readonly proxy: boolean;
	/** Whether it trusted the authority; null where it did not come so far. */
	readonly trust: boolean | null;
}

/** A compiler may have to wake up first. */
const PATIENCE_MS = 60_000;

/** The host that a probe is asked for. */
export function hostOf({ name }: Probe): string {
	return `${name.toLowerCase().replace(/[^a-z0-9]+/g, "-")}.doctor.invalid`;
}

/** What became of a runtime; null: it is not installed. */
export async function examine(probe: Probe, env: Record<string, string>, seen: Seen): Promise<Finding | null> {
	if (!hasProgram(probe.program, env)) return null;
	const folder = await mkdtemp(join(tmpdir(), "flowtape-doctor-"));
	try {
		const url = `https://${hostOf(probe)}/`;
		for (const [name, content] of Object.entries(probe.files ?? {})) await writeFile(join(folder, name), content(url));
		const status = await run(probe.program, probe.args(url, folder), env);
		return status === NOT_INSTALLED ? null : diagnose(probe, seen);
	} finally {
		// what it started may still be writing there
		await rm(folder, { recursive: true, force: true, maxRetries: 5 });
	}
}

function diagnose(probe: Probe, { hosts, silent, untrusted }: Seen): Finding {
	const host = hostOf(probe);
	const trust = hosts.has(host) ? true : silent.has(host) || untrusted.has(host) ? false : null;
	return { runtime: probe.name, proxy: trust !== null, trust };
}

/** Runs a program whose words are of no interest. */
function run(program: string, args: readonly string[], env: Record<string, string>): Promise<number | null> {
	return new Promise((resolve) => {
		const child = spawn(program, args, { env, stdio: "ignore", timeout: PATIENCE_MS });
		child.once("error", () => resolve(NOT_INSTALLED)).once("exit", (status) => resolve(status));
	});
}
