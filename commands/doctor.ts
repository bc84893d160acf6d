// `flowtape doctor`: which runtimes go through the proxy and trust its authority, in the environment that commands behind `--` get.

import { openCaPlace } from "../api/authority-folder.ts";
import type { LiveProxy, LiveValues } from "../api/live.ts";
import { jsonText } from "../src/flow/json-text.ts";
import type { Hook } from "../src/hooks/hook.ts";
import type { OptionTable } from "../src/options.ts";
import { printableLine } from "../src/views/printable.ts";
import { defineCommand, type Io } from "./cli/command.ts";
import type { Seen } from "./doctor/client-observer.ts";
import type { Finding } from "./doctor/examine.ts";
import { type Paint, paintFor } from "./print/text.ts";
import { caOption } from "./proxy/run-proxy.ts";

const options = {
	ca: caOption,
	json: { type: "boolean", default: false, help: "Print one JSON object for each runtime, or for the command." },
} as const satisfies OptionTable;

export const command = defineCommand({
	name: "doctor",
	summary: "tell which runtimes use the proxy and trust its authority",
	args: "",
	arity: { min: 0, max: 0 },
	takesChild: true,
	options,
	examples: [
		["flowtape doctor", "try every runtime that is installed"],
		["flowtape doctor -- npm test", "run a command, and tell what of it came through the proxy"],
	],
	async run({ options: { ca, json }, values, child }, io) {
		const { startLive } = await import("../api/live.ts");
		const { ClientObserver } = await import("./doctor/client-observer.ts");
		const place = await openCaPlace(ca, io.env);
		const witness = new ClientObserver();
		const job = { output: null, recordings: [], network: child !== null, hooks: child === null ? [answerAll] : [] };
		try {
			const proxy = await startLive({ ...job, values: await plainValues(), home: place.folder, env: io.env, report: () => {}, onEvent: witness.onEvent });
			const patient: ClientUnderTest = { proxy, home: place.folder, seen: witness, paint: paintFor(io.stdout, io.env, values.color !== false), json };
			try {
				return child === null ? await tryAll(patient, io) : await watch(child, patient, io);
			} finally {
				await proxy.close();
			}
		} finally {
			await place.close();
		}
	},
});

interface ClientUnderTest {
	proxy: LiveProxy;
	home: string;
	seen: Seen;
	paint: Paint;
	json: boolean;
}

async function plainValues(): Promise<LiveValues> {
	const { defaults } = await import("../src/options.ts");
	const { hookOptions } = await import("../src/hooks/builtin.ts");
	const { proxyOptions } = await import("../src/proxy/server.ts");
	return { ...defaults(hookOptions), ...defaults(proxyOptions), listen_port: 0 };
}

/** For hosts that there are not: no name server is asked. */
const answerAll: Hook = {
	name: "doctor",
	async request(_flow, decision) {
		const { makeResponse } = await import("../src/hooks/make-response.ts");
		decision.answer(makeResponse(200, [["content-type", "text/plain"]], Buffer.from("well\n"), Date.now() / 1000), "doctor");
	},
};

/** Every runtime in turn; 1 when one did not come through or did not trust us. */
async function tryAll({ proxy, home, seen, paint, json }: ClientUnderTest, { stdout, stderr, env }: Io): Promise<number> {
	const { childSurroundings } = await import("../api/child-environment.ts");
	const { examine } = await import("./doctor/examine.ts");
	const { probes } = await import("./doctor/probes.ts");
	const surroundings = childSurroundings(proxy, home, env);
	const findings: Finding[] = [];
	for (const probe of probes) {
		const finding = await examine(probe, surroundings, seen);
		if (finding === null) continue;
		findings.push(finding);
		stdout.write(json ? `${jsonText(finding)}\n` : `${row(finding, paint)}\n`);
	}
	if (findings.length === 0) stderr.write("no runtime was found to try\n");
	return findings.length > 0 && findings.every(({ trust }) => trust === true) ? 0 : 1;
}

function row({ runtime, proxy, trust }: Finding, paint: Paint): string {
	const words = !proxy
		? paint("does not use the proxy: name it to the program itself", "yellow")
		: trust
			? paint("uses the proxy and trusts the authority", "green")
			: paint("uses the proxy, but does not trust the authority: flowtape ca trust", "red");
	return `${runtime.padEnd(16)} ${words}`;
}

/** One command; its own status, or 1 when nothing came through or a client did not trust us. */
async function watch(child: readonly string[], { proxy, home, seen, paint, json }: ClientUnderTest, { stdout, env }: Io): Promise<number> {
	const { childSurroundings } = await import("../api/child-environment.ts");
	const { runChild } = await import("../src/child/process.ts");
	const [program = "", ...args] = child;
	const { status } = await runChild(program, args, childSurroundings(proxy, home, env));
	await proxy.close();
	const [agents, hosts, silent, untrusted] = [Object.fromEntries(seen.agents), [...seen.hosts], [...seen.silent], [...seen.untrusted]];
	if (json) stdout.write(`${jsonText({ agents, hosts, silent, untrusted })}\n`);
	else stdout.write(report(seen, paint));
	return status || (seen.agents.size === 0 || untrusted.length > 0 ? 1 : 0);
}

function report({ agents, hosts, silent, untrusted }: Seen, paint: Paint): string {
	const lines = [...agents].map(([agent, count]) => paint(`${count} ${count === 1 ? "request" : "requests"} of ${printableLine(agent)}`, "green"));
	if (lines.length === 0) lines.push(paint("nothing came through the proxy: the command does not heed HTTPS_PROXY and HTTP_PROXY, or sent nothing", "yellow"));
	else lines.push(`hosts: ${printableLine([...hosts].join(", "))}`);
	for (const host of silent)
		lines.push(paint(`a tunnel to ${printableLine(host)} was asked for, and no request came: perhaps a client that does not trust the authority`, "yellow"));
	for (const host of untrusted)
		lines.push(paint(`a client did not take the certificate for ${printableLine(host)}: it does not trust the authority (flowtape ca trust)`, "red"));
	return `${lines.join("\n")}\n`;
}
