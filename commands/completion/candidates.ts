// Completes one word of a command line: makes the answer of the hidden command `flowtape __complete`, which the
// completion scripts run. The first line names the paths that the shell may offer too. Every other line is a candidate
// and, after a tab, its description. After the name of a command, only that command is loaded. Tapes are read only for
// ids.
import { existsSync } from "node:fs";
import { kebab, type OptionSpec } from "../../src/options.ts";
import type { Command } from "../cli/command.ts";
import { helpText } from "../cli/help.ts";
import { flagsOf, isOn, isShown } from "../cli/options.ts";
import type { Flag } from "../cli/registry.ts";
import { clause } from "../cli/text-layout.ts";
import { topics } from "../cli/topics.ts";

/** Paths that the shell offers besides the candidates. */
export type Paths = "none" | "tapes" | "files" | "folders";

export interface Candidates {
	readonly paths: Paths;
	/** Words and their descriptions. */
	readonly list: readonly (readonly [word: string, description: string])[];
}

type Loaders = Readonly<Record<string, () => Promise<Command>>>;

const NONE: Candidates = { paths: "none", list: [] };
const DESCRIPTION_WIDTH = 60;
/** Maximum number of ids that are offered. */
const MAX_IDS = 300;
/** Number of characters of an id that are offered, unless two ids begin with the same ones. */
const ID_LENGTH = 8;

/**
 * The candidates for the last word.
 * @param words the words after `flowtape` up to the one that is being typed, which may be empty
 */
export async function candidatesFor(words: readonly string[], commands: Loaders): Promise<Candidates> {
	const typed = words.at(-1) ?? "";
	const { paths, list } = await unfiltered(words, typed, commands);
	return { paths, list: list.filter(([word]) => word.startsWith(typed)) };
}

/** The answer in the form that the completion scripts read. */
export function answerText({ paths, list }: Candidates): string {
	const line = (text: string) => text.replace(/[\t\r\n]/g, " ");
	return [paths, ...list.map(([word, description]) => `${line(word)}\t${line(description)}`)].join("\n").concat("\n");
}

async function unfiltered(words: readonly string[], typed: string, commands: Loaders): Promise<Candidates> {
	const [name = "", ...before] = words.slice(0, -1);
	if (words.length <= 1) {
		if (typed.startsWith("-"))
			return listed(["--help", "Print the list of commands."], ["--version", "Print the version."]);
		return listed(...(await summaries(commands)), ["help", "everything on a command, or a topic"]);
	}
	if (name === "help") {
		if (before.length > 0) return NONE;
		const pages = Object.entries(topics).map(([topic, { summary }]) => [topic, summary] as const);
		return listed(...(await summaries(commands)), ...pages);
	}
	const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
	if (load === undefined) return NONE;
	const command = await load();
	// the words after -- belong to another command
	if (command.takesChild && before.includes("--")) return { paths: "files", list: [] };
	const flags = await flagsOf(command);
	const { args, pending } = read(before, flags);
	const context: CompletionContext = { command, flags, tapes: tapesOf(command, args) };
	if (pending !== null) return valuesOf(pending, typed, "", context);
	const at = typed.indexOf("=");
	if (typed.startsWith("--") && at !== -1) {
		const flag = optionOf(typed.slice(0, at), flags);
		return flag === undefined ? NONE : valuesOf(flag, typed.slice(at + 1), typed.slice(0, at + 1), context);
	}
	if (typed.startsWith("-") && typed !== "-") return listed(...flagRows(flags));
	return argumentsAt(args.length, typed, context);
}

function listed(...list: Candidates["list"][number][]): Candidates {
	return { paths: "none", list };
}

async function summaries(commands: Loaders): Promise<Candidates["list"]> {
	const all = await Promise.all(Object.values(commands).map((load) => load()));
	return all.map(({ name, summary }) => [name, clause(summary, DESCRIPTION_WIDTH)] as const);
}

/** The command line around the word that is being typed. */
interface CompletionContext {
	readonly command: Command;
	readonly flags: readonly Flag[];
	/** The tapes that were typed. */
	readonly tapes: readonly string[];
}

/** An option, or `--set`. */
type PendingOption = Flag | "set";

/** The arguments among words, and the option whose value comes next. */
function read(words: readonly string[], flags: readonly Flag[]): { args: string[]; pending: PendingOption | null } {
	const args: string[] = [];
	let pending: PendingOption | null = null;
	for (const word of words) {
		if (pending !== null) pending = null;
		else if (word === "-" || !word.startsWith("-")) args.push(word);
		else if (!word.includes("=")) {
			const option = optionOf(word, flags);
			const takesValue =
				option === "set" ||
				(option !== undefined &&
					option.spec.type !== "boolean" &&
					(option.spec.type !== "string" || option.spec.implied === undefined));
			if (takesValue && option !== undefined) pending = option;
		}
	}
	return { args, pending };
}

function optionOf(word: string, flags: readonly Flag[]): PendingOption | undefined {
	if (word === "--set") return "set";
	return flags.find(
		({ flag, spec }) => word === `--${flag}` || (spec.short !== undefined && word === `-${spec.short}`),
	);
}

function flagRows(flags: readonly Flag[]): Candidates["list"] {
	return [
		...flags
			.filter(({ spec }) => isShown(spec))
			.map(({ flag, spec }) => [`--${isOn(spec) ? "no-" : ""}${flag}`, described(spec)] as const),
		["--set", "Set any option by its name"],
		["--help", "Print all options"],
		["--version", "Print the version"],
	];
}

function described(spec: OptionSpec): string {
	return clause(helpText(spec), DESCRIPTION_WIDTH);
}

async function valuesOf(
	option: PendingOption,
	text: string,
	prefix: string,
	context: CompletionContext,
): Promise<Candidates> {
	if (option === "set") return settingsOf(text, prefix, context);
	const { name, spec } = option;
	const words = (...found: readonly string[]) => found.map((word) => [prefix + word, ""] as const);
	if (name === "id") return { paths: "none", list: await idsOf(context.tapes, text, prefix) };
	if (spec.type === "boolean") return listed(...words("true", "false"));
	if (spec.type === "string" && spec.choices !== undefined) return listed(...words(...spec.choices));
	if (spec.metavar === "FILTER") return listed(...(await operatorsFor(text, prefix)));
	const parts = spec.metavar?.split("|") ?? [];
	return {
		paths: pathsOf(parts.at(-1)),
		list: parts.length > 1 ? words(...parts.filter((part) => /^[a-z-]+$/.test(part))) : [],
	};
}

/** The paths that a placeholder stands for. */
function pathsOf(placeholder: string | undefined): Paths {
	switch (placeholder) {
		case "TAPE":
			return "tapes";
		case "FOLDER":
			return "folders";
		case "FILE":
		case "PATH":
		case "REPORT":
			return "files";
		default:
			return "none";
	}
}

/** The candidates after `--set`: names, then the values of one option. */
async function settingsOf(text: string, prefix: string, context: CompletionContext): Promise<Candidates> {
	const at = text.indexOf("=");
	if (at === -1)
		return listed(
			...context.flags
				.filter(({ spec }) => isShown(spec))
				.map(({ name, spec }) => [`${prefix}${name}=`, clause(spec.help, DESCRIPTION_WIDTH)] as const),
		);
	const flag = context.flags.find(({ name }) => kebab(name) === kebab(text.slice(0, at)));
	return flag === undefined ? NONE : valuesOf(flag, text.slice(at + 1), `${prefix}${text.slice(0, at + 1)}`, context);
}

/** The placeholders of a command's arguments. */
function placeholders({ args }: Command): string[] {
	return args.split(" ").map((word) => word.replace(/[[\]]/g, ""));
}

/** The placeholder of an argument; the last one may be repeated. */
function placeholderAt(command: Command, index: number): string | undefined {
	const all = placeholders(command);
	const last = all.at(-1);
	return (all[index] ?? (last?.endsWith("…") ? last : undefined))?.replace("…", "");
}

function tapesOf(command: Command, args: readonly string[]): string[] {
	return args.filter((_, index) => placeholderAt(command, index) === "TAPE");
}

async function argumentsAt(index: number, typed: string, { command, tapes }: CompletionContext): Promise<Candidates> {
	const placeholder = placeholderAt(command, index);
	switch (placeholder) {
		case undefined:
			return NONE;
		case "EXPR":
			return listed(...(await operatorsFor(typed, "")));
		case "ID":
			return { paths: "none", list: await idsOf(tapes, typed, "") };
		case "FORMAT": {
			const { exportFormats } = await import("../../api/exporters.ts");
			return listed(...[...exportFormats, "har"].map((word) => [word, ""] as const));
		}
		default:
			if (placeholder.includes("|")) return listed(...placeholder.split("|").map((word) => [word, ""] as const));
			return { paths: pathsOf(placeholder), list: [] };
	}
}

/** The filter operators that may end an expression. */
async function operatorsFor(text: string, prefix: string): Promise<Candidates["list"]> {
	const [, before, code] = /^(|.*[\s!&|(])(~[a-z]*|)$/s.exec(text) ?? [];
	if (before === undefined || (code === "" && before !== "")) return [];
	const { filterOperators } = await import("../../src/filter/terms.ts");
	return filterOperators.map(
		({ code, argument, help }) => [`${prefix}${before}~${code}${argument === "none" ? "" : " "}`, help] as const,
	);
}

/** The ids of flows, each with a line about its flow. */
async function idsOf(tapes: readonly string[], text: string, prefix: string): Promise<Candidates["list"]> {
	const files = tapes.filter((tape) => existsSync(tape));
	if (files.length === 0) return [];
	const { closeSources, openTapes } = await import("../../api/copy-flows.ts");
	const { flowText } = await import("../print/flow-line.ts");
	const { plain } = await import("../print/text.ts");
	const found: (readonly [id: string, line: string])[] = [];
	const sources = await openTapes(files, { report: () => {}, bodies: false });
	try {
		reading: for (const source of sources)
			for await (const batch of source)
				for (const flow of batch) {
					if (flow.id.startsWith(text)) found.push([flow.id, flowText(flow, plain)]);
					if (found.length === MAX_IDS) break reading;
				}
	} finally {
		await closeSources(sources);
	}
	const length = Math.max(ID_LENGTH, text.length);
	const heads = found.map(([id]) => id.slice(0, length));
	const areUnique = new Set(heads).size === found.length;
	return found.map(([id, line]) => [prefix + (areUnique ? id.slice(0, length) : id), line] as const);
}
