// `flowtape ca trust` and `untrust`: shows the commands that do it on this machine, or runs them.
import { homedir } from "node:os";
import { type CertificateFacts, findTrustStores, type Machine, shellText, type TrustCommand, type TrustStore, trustStores } from "../../src/ca/trust-stores.ts";
import { FlowtapeError } from "../../src/errors.ts";
import type { Io } from "../cli/command.ts";

export interface TrustJob {
	action: "trust" | "untrust";
	/** Names of stores; none: all that are here. */
	stores: readonly string[];
	/** Run the commands instead of showing them. */
	run: boolean;
	certificate: CertificateFacts;
}

/**
 * Resolves to the exit status: 1 when there is nothing to do, 4 when a command failed.
 * @throws FlowtapeError FT_USAGE for a store that there is not, FT_COMMAND when a command cannot be started
 */
export async function runTrust({ action, stores: wanted, run, certificate }: TrustJob, io: Pick<Io, "stdout" | "stderr" | "env">): Promise<number> {
	const machine: Machine = { platform: process.platform, env: io.env, home: io.env.HOME || homedir() };
	const stores = select(wanted, findTrustStores(machine), run);
	let status = stores.length === 0 ? 1 : 0;
	if (status === 1) io.stderr.write(`no store of authorities was found here; name one to see its commands: ${namesOf(trustStores)}\n`);
	for (const store of stores) {
		const commands = store[action](certificate);
		if (!run) io.stdout.write(`# ${store.title}\n${commands.map((command) => `${shellText(command, rootPrefix())}\n`).join("")}`);
		else if (await runAll(store, commands, io)) status = 4;
	}
	if (!run && status === 0) io.stderr.write(`these commands ${action} the authority; with --run they are run\n`);
	return status;
}

/** What is shown may be meant for another machine; what is run cannot. */
function select(wanted: readonly string[], here: readonly TrustStore[], run: boolean): readonly TrustStore[] {
	if (wanted.length === 0) return here;
	return wanted.flatMap((name) => {
		const found = here.filter((store) => store.name === name);
		const known = found.length > 0 || run ? found : trustStores.filter((store) => store.name === name);
		if (known.length > 0) return known;
		throw new FlowtapeError("FT_USAGE", `"${name}" is no store of authorities${run ? " of this machine" : ""}; there are ${namesOf(run ? here : trustStores)}`);
	});
}

function namesOf(stores: readonly TrustStore[]): string {
	return [...new Set(stores.map(({ name }) => name))].join(", ") || "none";
}

/** Whether a command of the store failed; those after it are left. */
async function runAll(store: TrustStore, commands: readonly TrustCommand[], { stderr, env }: Pick<Io, "stderr" | "env">): Promise<boolean> {
	const { runChild } = await import("../../src/child/process.ts");
	const environment = Object.fromEntries(Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
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

/** What turns a user into the administrator. */
function rootPrefix(): string {
	return process.platform === "win32" || process.getuid?.() === 0 ? "" : "sudo ";
}
