// `flowtape doctor`: finds out which runtimes use the proxy and trust its authority, in the environment that child
// commands get.

import { openCaFolder } from "../api/authority-folder.ts";
import type { LiveProxy, LiveValues } from "../api/live.ts";
import { jsonText } from "../src/flow/json-text.ts";
import type { Hook } from "../src/hooks/hook.ts";
import type { OptionTable } from "../src/options.ts";
import { printableLine } from "../src/views/printable.ts";
import { defineCommand, type Io } from "./cli/command.ts";
import type { Seen } from "./doctor/client-observer.ts";
import type { Diagnosis } from "./doctor/examine.ts";
import { LOOPBACK_HINT } from "./doctor/probes.ts";
import { counted, type Paint, paintFor } from "./print/text.ts";
import { caOption } from "./proxy/run-proxy.ts";

const options = {
	ca: caOption,
	json: { type: "boolean", default: false, help: "Print one JSON object for each runtime, or for the command." },
} as const satisfies OptionTable;

export const command = defineCommand({
	name: "doctor",
	summary: "check which runtimes use the proxy and trust its authority",
	args: "",
	arity: { min: 0, max: 0 },
	takesChild: true,
	options,
	examples: [
		["flowtape doctor", "try every runtime that is installed"],
		["flowtape doctor -- npm test", "run a command, and print which of its requests came through the proxy"],
	],
	async run({ values: { ca, json, color }, child }, io) {
		const { startLive } = await import("../api/live.ts");
		const { ClientObserver } = await import("./doctor/client-observer.ts");
		const caFolder = await openCaFolder(ca, io.env);
		const observer = new ClientObserver();
		const job = { output: null, recordings: [], network: child !== null, hooks: child === null ? [answerAll] : [] };
		try {
			const proxy = await startLive({
				...job,
				values: await plainValues(),
				home: caFolder.folder,
				env: io.env,
				report: () => {},
				log(level, message) {
					if (level === "warning") io.stderr.write(`flowtape: ${printableLine(message)}\n`);
				},
				onEvent: observer.onEvent,
			});
			const client: ClientUnderTest = {
				proxy,
				home: caFolder.folder,
				seen: observer,
				paint: paintFor(io.stdout, io.env, color),
				json,
			};
			try {
				return child === null ? await probeAll(client, io) : await observeCommand(child, client, io);
			} finally {
				await proxy.close();
			}
		} finally {
			await caFolder.close();
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

/** The advice on loopback addresses if a probe has no `onLoopback`. */
const DEFAULT_LOOPBACK_ADVICE = "name the proxy to the program itself";

/** Answers every request, because the hosts of the probes do not exist. */
const answerAll: Hook = {
	name: "doctor",
	async request(_flow, decision) {
		const { makeResponse } = await import("../src/hooks/make-response.ts");
		decision.answer(
			makeResponse(200, [["content-type", "text/plain"]], Buffer.from("well\n"), Date.now() / 1000),
			"doctor",
		);
	},
};

/** Probes every runtime. Resolves to 1 if one did not use the proxy or did not trust the authority. */
async function probeAll(
	{ proxy, home, seen, paint, json }: ClientUnderTest,
	{ stdout, stderr, env }: Io,
): Promise<number> {
	const { proxyEnvironment } = await import("../api/child-environment.ts");
	const { examine } = await import("./doctor/examine.ts");
	const { probes } = await import("./doctor/probes.ts");
	const environment = proxyEnvironment(proxy, home, env);
	const diagnoses: Diagnosis[] = [];
	for (const probe of probes) {
		const diagnosis = await examine(probe, environment, seen);
		if (diagnosis === null) continue;
		diagnoses.push(diagnosis);
		stdout.write(
			json
				? `${jsonText(diagnosis)}\n`
				: `${diagnosisLine(diagnosis, probe.onLoopback ?? DEFAULT_LOOPBACK_ADVICE, paint)}\n`,
		);
	}
	if (diagnoses.length === 0) stderr.write("found no installed runtime\n");
	return diagnoses.length > 0 && diagnoses.every(({ trust }) => trust === true) ? 0 : 1;
}

function diagnosisLine({ runtime, proxy, trust, loopback }: Diagnosis, onLoopback: string, paint: Paint): string {
	const words = !proxy
		? paint("does not use the proxy: name it to the program itself", "yellow")
		: trust
			? paint("uses the proxy and trusts the authority", "green")
			: paint("uses the proxy, but does not trust the authority: flowtape ca trust", "red");
	const direct = loopback === false ? paint(`; connects to loopback addresses directly: ${onLoopback}`, "yellow") : "";
	return `${runtime.padEnd(16)} ${words}${direct}`;
}

/**
 * Runs one command. Resolves to its status, or to 1 if no request reached the proxy or a client did not trust the
 * authority.
 */
async function observeCommand(
	child: readonly string[],
	{ proxy, home, seen, paint, json }: ClientUnderTest,
	{ stdout, env }: Io,
): Promise<number> {
	const { proxyEnvironment } = await import("../api/child-environment.ts");
	const { runChild } = await import("../src/child/process.ts");
	const [program = "", ...args] = child;
	const { status } = await runChild(program, args, proxyEnvironment(proxy, home, env));
	await proxy.close();
	const [agents, hosts, silent, untrusted] = [
		Object.fromEntries(seen.agents),
		[...seen.hosts],
		[...seen.silent],
		[...seen.untrusted],
	];
	if (json) stdout.write(`${jsonText({ agents, hosts, silent, untrusted })}\n`);
	else stdout.write(report(seen, paint));
	return status || (seen.agents.size === 0 || untrusted.length > 0 ? 1 : 0);
}

function report({ agents, hosts, silent, untrusted }: Seen, paint: Paint): string {
	const lines = [...agents].map(([agent, count]) =>
		paint(`${counted(count, "request")} of ${printableLine(agent)}`, "green"),
	);
	if (lines.length === 0)
		lines.push(
			paint("no request reached the proxy: the command ignores HTTPS_PROXY and HTTP_PROXY, or sent nothing", "yellow"),
			LOOPBACK_HINT,
		);
	else lines.push(`hosts: ${printableLine([...hosts].join(", "))}`);
	for (const host of silent)
		lines.push(
			paint(
				`a client opened a tunnel to ${printableLine(host)} and sent no request; perhaps it does not trust the authority`,
				"yellow",
			),
		);
	for (const host of untrusted)
		lines.push(
			paint(
				`a client rejected the certificate for ${printableLine(host)}: it does not trust the authority (flowtape ca trust)`,
				"red",
			),
		);
	return `${lines.join("\n")}\n`;
}
