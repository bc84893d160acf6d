// `flowtape ca trust` and `untrust`: show or run the commands that change the trust stores of this machine.
import { homedir } from "node:os";
import {
	type CertificateInfo,
	findTrustStores,
	type Machine,
	shellText,
	type TrustCommand,
	type TrustStore,
	trustStores,
} from "../../src/ca/trust-stores.ts";
import { FlowtapeError } from "../../src/errors.ts";
import type { Io } from "../cli/command.ts";

export interface TrustJob {
	action: "trust" | "untrust";
	/** Names of stores; empty: all stores of this machine. */
	stores: readonly string[];
	/** Run the commands instead of showing them. */
	run: boolean;
	certificate: CertificateInfo;
}

/**
 * Resolves to the exit status: 1 if no store was found, 4 if a command failed.
 * @throws FlowtapeError FT_USAGE for an unknown store, FT_COMMAND if a command cannot be started
 */
export async function runTrust(
	{ action, stores: wanted, run, certificate }: TrustJob,
	io: Pick<Io, "stdout" | "stderr" | "env">,
): Promise<number> {
	const machine: Machine = { platform: process.platform, env: io.env, home: io.env.HOME || homedir() };
	const stores = selectStores(wanted, findTrustStores(machine), run);
	let status = stores.length === 0 ? 1 : 0;
	if (status === 1)
		io.stderr.write(
			`no trust store was found on this machine; name one to see its commands: ${namesOf(trustStores)}\n`,
		);
	for (const store of stores) {
		const commands = store[action](certificate);
		if (!run)
			io.stdout.write(
				`# ${store.title}\n${commands.map((command) => `${shellText(command, rootPrefix())}\n`).join("")}`,
			);
		else if (await runAll(store, commands, io)) status = 4;
	}
	if (!run && status === 0) io.stderr.write(`these commands ${action} the authority; add --run to run them\n`);
	return status;
}

/** The named stores. Commands that are only shown may be for another machine. */
function selectStores(wanted: readonly string[], here: readonly TrustStore[], run: boolean): readonly TrustStore[] {
	if (wanted.length === 0) return here;
	return wanted.flatMap((name) => {
		const found = here.filter((store) => store.name === name);
		const known = found.length > 0 || run ? found : trustStores.filter((store) => store.name === name);
		if (known.length > 0) return known;
		throw new FlowtapeError(
			"FT_USAGE",
			`expected a trust store${run ? " of this machine" : ""}: ${namesOf(run ? here : trustStores)}; found "${name}"`,
		);
	});
}

function namesOf(stores: readonly TrustStore[]): string {
	return [...new Set(stores.map(({ name }) => name))].join(", ") || "none";
}

/** Runs the commands of a store up to the first that fails; resolves to whether one failed. */
async function runAll(
	store: TrustStore,
	commands: readonly TrustCommand[],
	{ stderr, env }: Pick<Io, "stderr" | "env">,
): Promise<boolean> {
	const { runChild } = await import("../../src/child/process.ts");
	const environment = Object.fromEntries(
		Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
	);
	stderr.write(`${store.title}\n`);
	for (const command of commands) {
		stderr.write(`  ${shellText(command, rootPrefix())}\n`);
		const [program = "", ...args] = command.asRoot && rootPrefix() !== "" ? ["sudo", ...command.argv] : command.argv;
		const { status } = await runChild(program, args, environment);
		if (status !== 0) {
			stderr.write(`  failed with exit status ${status}\n`);
			return true;
		}
	}
	return false;
}

/** The prefix that runs a command as administrator. */
function rootPrefix(): string {
	return process.platform === "win32" || process.getuid?.() === 0 ? "" : "sudo ";
}
