// Probes a runtime: makes it request a host that does not exist and that no other probe requests, and checks what the
// proxy saw.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { hasProgram } from "../../src/programs.ts";
import { createTemporaryFolder } from "../../src/temporary-folder.ts";
import type { Seen } from "./client-observer.ts";
import { NOT_INSTALLED, type Probe } from "./probes.ts";

export interface Diagnosis {
	readonly runtime: string;
	/** Whether it used the proxy. */
	readonly proxy: boolean;
	/** Whether it trusted the authority; null if it did not use the proxy. */
	readonly trust: boolean | null;
	/** Whether it uses the proxy for loopback addresses too; null if it did not use the proxy at all. */
	readonly loopback: boolean | null;
}

/** Long enough for a compiler that starts cold. */
const TIMEOUT_MS = 60_000;

/** The host that a probe requests. */
export function hostOf({ name }: Probe): string {
	return `${name.toLowerCase().replace(/[^a-z0-9]+/g, "-")}.doctor.invalid`;
}

/** The result for a runtime; null: it is not installed. */
export async function examine(probe: Probe, env: Record<string, string>, seen: Seen): Promise<Diagnosis | null> {
	if (!hasProgram(probe.program, env)) return null;
	const folder = await createTemporaryFolder("flowtape-doctor-");
	try {
		const request = async (url: string): Promise<number | null> => {
			for (const [name, content] of Object.entries(probe.files ?? {}))
				await writeFile(join(folder, name), content(url));
			return run(probe.program, probe.args(url, folder), env);
		};
		if ((await request(`https://${hostOf(probe)}/`)) === NOT_INSTALLED) return null;
		const trust = trustOf(probe, seen);
		const loopback = trust === null ? null : !(await isReachedDirectly(request));
		return { runtime: probe.name, proxy: trust !== null, trust, loopback };
	} finally {
		// child processes may still be writing there
		await rm(folder, { recursive: true, force: true, maxRetries: 5 });
	}
}

/** Whether the runtime trusted the authority; null: no request reached the proxy. */
function trustOf(probe: Probe, { hosts, silent, untrusted }: Seen): boolean | null {
	const host = hostOf(probe);
	return hosts.has(host) ? true : silent.has(host) || untrusted.has(host) ? false : null;
}

/**
 * Whether a request to a server on a loopback address reaches the server. A request that uses the proxy does not,
 * because the proxy answers it.
 */
async function isReachedDirectly(request: (url: string) => Promise<unknown>): Promise<boolean> {
	let isReached = false;
	const server = createServer((_request, response) => {
		isReached = true;
		response.end();
	});
	await once(server.listen(0, "127.0.0.1"), "listening");
	try {
		await request(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
	} finally {
		server.close();
		server.closeAllConnections();
	}
	return isReached;
}

/**
 * Runs a program and ignores its output. Resolves to its exit status; `NOT_INSTALLED` if it cannot be started; null
 * after a timeout.
 */
function run(program: string, args: readonly string[], env: Record<string, string>): Promise<number | null> {
	return new Promise((resolve) => {
		const child = spawn(program, args, { env, stdio: "ignore", timeout: TIMEOUT_MS });
		child.once("error", () => resolve(NOT_INSTALLED)).once("exit", (status) => resolve(status));
	});
}
