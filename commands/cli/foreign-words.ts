// Translates a command line of another tool into one of flowtape. Words of other tools are called foreign here. This
// file is loaded only when a command line is wrong, and executes nothing of it.
import { quoteInLine } from "../../src/export/shell.ts";
import { kebab } from "../../src/options.ts";
import { printable, printableLine } from "../../src/views/printable.ts";
import type { Command, Io } from "./command.ts";
import {
	foreignOptions,
	ParsedLine,
	programs,
	readAsFlags,
	recordModes,
	settings,
	subcommands,
} from "./foreign-options.ts";
import { checkUsage, flagsOf } from "./options.ts";
import type { Flag } from "./registry.ts";

/** The command line of flowtape that means the same. */
export interface Translation {
	/** The first foreign word. */
	firstForeign: string;
	/** Ready to paste. */
	commandLine: string;
	/** Messages about parts without a counterpart, and about steps to do by hand. */
	notes: readonly string[];
}

/** Options that change flows. */
const changesFlows = /^--(?:modify-|map-|block-list|script|anticomp|anticache|sticky)|^-s$/;

/**
 * Translates the words after `flowtape`. Returns null if none of them is foreign, or if the result is not a command
 * line that flowtape accepts.
 */
export async function translate(words: readonly string[], commands: readonly Command[]): Promise<Translation | null> {
	const at = words.indexOf("--");
	const own = at === -1 ? words : words.slice(0, at);
	const child = at === -1 ? [] : words.slice(at);
	const [first = "", ...others] = own;
	const named = (name: string) => commands.find((command) => command.name === name);
	const line = new ParsedLine();
	const known = named(first);
	const subcommand = Object.hasOwn(subcommands, first) ? subcommands[first] : undefined;
	let rest: readonly string[] = others;
	if (known !== undefined) line.command = first;
	else if (subcommand !== undefined) {
		const [name, ...flags] = subcommand;
		line.command = name;
		if (flags.length > 0) line.add(...flags);
		line.foreignWords.push(first);
	} else if (programs.has(first)) line.foreignWords.push(first);
	else if (first.startsWith("-")) rest = own;
	else return null;
	const target = line.command === null ? undefined : named(line.command);
	// a line without a command may have flags of all commands
	const flags = (await Promise.all((target === undefined ? commands : [target]).map(flagsOf))).flat();
	if (!readWords(line, rest, flags, target === undefined)) return null;
	if (line.foreignWords.length === 0) return null;
	const command = named(line.command ?? commandOf(line));
	if (command === undefined) return null;
	const commandFlags = await flagsOf(command);
	if (line.command === null) leaveOutUnused(line, command.name, commandFlags);
	const composed = compose(command.name, line, child.length > 0);
	if (composed === null) return null;
	const argv = renameFlags(composed, commandFlags);
	if (!(await checkUsage(command, argv))) return null;
	const all = ["flowtape", command.name, ...argv, ...child];
	return {
		firstForeign: line.foreignWords[0] ?? first,
		commandLine: all.map(quoteInLine).join(" "),
		notes: line.notes,
	};
}

/** Reads all words into the line. Returns false if an option belongs to no tool. */
function readWords(line: ParsedLine, words: readonly string[], flags: readonly Flag[], isForeign: boolean): boolean {
	const queue = [...words];
	for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
		if (!word.startsWith("-") || word === "-") {
			readArgument(line, word, flags, isForeign);
			continue;
		}
		const [name = "", text] = splitOnce(word);
		if (name === "--set") {
			readSetting(line, text ?? queue.shift() ?? "", flags);
			continue;
		}
		const foreign = Object.hasOwn(foreignOptions, name) ? foreignOptions[name] : undefined;
		// without a command, short options are mitmproxy's
		const isMitmproxyOption =
			isForeign && foreign !== undefined && (!name.startsWith("--") || name === "--server-replay");
		const ownFlag = isMitmproxyOption ? undefined : flagNamed(name, flags);
		if (ownFlag !== undefined) {
			const isBoolean = ownFlag.spec.type === "boolean";
			// some options of flowtape have an optional value
			const isOptional = ownFlag.spec.type === "string" && ownFlag.spec.implied !== undefined;
			const given = isBoolean || isOptional ? text : (text ?? queue.shift());
			readOwnFlag(line, name, ownFlag, given);
		} else if (foreign !== undefined) {
			line.foreignWords.push(name);
			foreign.effect(line, foreign.takesValue ? (text ?? queue.shift() ?? "") : "");
		} else if (/^-[a-zA-Z]{2,}/.test(name)) {
			// several short options in one word; the last one may be followed by its value
			const letter = name.slice(0, 2);
			const takesValue = foreignOptions[letter]?.takesValue ?? flagNamed(letter, flags)?.spec.type !== "boolean";
			queue.unshift(letter, takesValue ? word.slice(2) : `-${word.slice(2)}`);
		} else return false;
	}
	return true;
}

function readArgument(line: ParsedLine, word: string, flags: readonly Flag[], isForeign: boolean): void {
	const takesExpression =
		line.command === "filter" && line.foreignWords.every((each) => !Object.hasOwn(subcommands, each));
	const isFilter = /^[!(]*~[a-z]/.test(word) && flags.some(({ flag }) => flag === "filter");
	if (isForeign || (isFilter && !takesExpression)) {
		line.filters.push(word);
		if (!isForeign) line.foreignWords.push(word);
	} else line.args.push(word);
}

function readOwnFlag(line: ParsedLine, word: string, { flag, name, spec }: Flag, text: string | undefined): void {
	let given = text;
	if (name === "server_replay" && given !== undefined) {
		line.serverTapes.push(given);
		return;
	}
	if (name === "server_replay_kill_extra") {
		line.foreignWords.push(word);
		if (given !== "false") line.add("--extra", "kill");
		return;
	}
	if (name === "scripts" && given?.endsWith(".py")) {
		const module = given.replace(/\.py$/, ".mjs");
		line.foreignWords.push(given);
		line.notes.push(`scripts are JavaScript: rewrite ${given} as ${module}, with the same functions (docs/scripts.md)`);
		given = module;
	}
	if (name === "record_mode" && given !== undefined && Object.hasOwn(recordModes, given)) {
		line.foreignWords.push(given);
		given = recordModes[given];
	}
	if (name === "mode" && given !== undefined && /^(?:transparent|local|wireguard|dns|tun)\b/.test(given)) {
		line.foreignWords.push(given);
		line.notes.push(`--mode ${given} is left out: flowtape has the modes regular, reverse, upstream and socks5`);
		return;
	}
	if (word.includes("_") || (word.startsWith("--server-replay-") && word.slice(2) !== flag))
		line.foreignWords.push(word);
	const flagWord = word.replaceAll("_", "-");
	if (given === undefined) line.add(flagWord);
	else if (spec.type === "string" && spec.implied !== undefined) line.add(`${flagWord}=${given}`);
	else line.add(flagWord, given);
}

function readSetting(line: ParsedLine, assignment: string, flags: readonly Flag[]): void {
	const [name = "", text = ""] = splitOnce(assignment);
	const effect = Object.hasOwn(settings, name) ? settings[name] : undefined;
	const ownFlag = readAsFlags.has(name) ? flags.find((each) => each.name === name) : undefined;
	if (effect !== undefined) {
		line.foreignWords.push(`--set ${name}`);
		effect(line, text);
	} else if (ownFlag !== undefined) readOwnFlag(line, `--${kebab(name)}`, ownFlag, text);
	else line.add("--set", assignment);
}

/** The flag of an option, also if it is set by `--set`. */
function flagWordOf([word = "", text = ""]: readonly string[]): string {
	return word === "--set" ? `--${kebab(splitOnce(text)[0])}` : (splitOnce(word)[0] ?? word);
}

/** The arguments of the command; null: there are none that would run it. */
function compose(command: string, line: ParsedLine, hasChild: boolean): string[] | null {
	const { args, inputs, serverTapes, clientTapes, filters, output } = line;
	const flags = line.options.flat();
	const filter = filters.join(" ");
	const selected = filter === "" ? [] : ["-f", filter];
	const verbosity = line.detail === 0 ? ["-q"] : (line.detail ?? 1) > 1 ? ["-v"] : [];
	const to = output === null ? [] : ["-o", output];
	const tape = (tapes: readonly string[]) => (tapes.length > 0 ? tapes : ["session.tape"]);
	switch (command) {
		case "record":
		case "run": {
			const [name = output ?? "session.tape", ...more] = args;
			const recordings = serverTapes.flatMap((each) => ["-S", each]);
			if (command === "run" && !hasChild) return null;
			return [name, ...more, ...recordings, ...flags, ...selected, ...verbosity];
		}
		case "replay-server":
			return [...tape([...args, ...serverTapes, ...inputs]), ...to, ...flags, ...selected, ...verbosity];
		case "replay-client":
			return [
				...tape([...args, ...clientTapes, ...inputs]),
				...to,
				...serverTapes.flatMap((each) => ["-S", each]),
				...flags,
				...selected,
				...verbosity,
			];
		case "rewrite": {
			const hasTarget = output !== null || flags.some((each) => /^(?:-o|--output|--in-place|--dry-run)$/.test(each));
			const target = hasTarget ? to : line.command === null ? ["--dry-run"] : ["-o", "rewritten.tape"];
			return [...tape([...args, ...inputs]), ...target, ...flags, ...selected];
		}
		case "convert": {
			const [from = "session.tape", into = output ?? "session.mitm"] = [...inputs, ...args];
			return [from, into, ...flags, ...selected];
		}
		case "filter": {
			const [expression = "~all", ...more] =
				filter === "" && line.command === "filter" && inputs.length + args.length > 1
					? args
					: [filter || "~all", ...args];
			return [expression, ...tape([...more, ...inputs]), ...to, ...flags];
		}
		case "show":
			return [...tape([...inputs, ...args]), ...flags, ...selected];
	}
	return [...inputs, ...args, ...to, ...flags, ...selected];
}

/** Chooses the command for a line that names none, as a line of mitmdump. */
function commandOf({ inputs, serverTapes, clientTapes, filters, options, output, detail }: ParsedLine): string {
	if (clientTapes.length > 0) return "replay-client";
	if (inputs.length > 0) {
		if (options.some((option) => changesFlows.test(flagWordOf(option)))) return "rewrite";
		if (output !== null) return filters.length > 0 || inputs.length > 1 ? "filter" : "convert";
		return (detail ?? 1) > 1 ? "show" : "filter";
	}
	return serverTapes.length > 0 && output === null ? "replay-server" : "record";
}

const proxyCommands: ReadonlySet<string> = new Set(["record", "run", "replay-server"]);

/** Removes the parts of a line of mitmdump that the command has no place for, and adds a note for each. */
function leaveOutUnused(line: ParsedLine, command: string, flags: readonly Flag[]): void {
	const isProxy = proxyCommands.has(command);
	line.options = line.options.filter((option) => {
		if (flagNamed(flagWordOf(option), flags) !== undefined) return true;
		line.leaveOut(option.join(" "), `flowtape ${command} has no such option`);
		return false;
	});
	if (isProxy && line.noServer !== null) line.leaveOut(line.noServer, `flowtape ${command} starts a proxy`);
	if (isProxy || command === "replay-client") return;
	for (const tape of line.serverTapes) line.leaveOut(`-S ${tape}`, "stored flows are not sent");
	if (line.output !== null && (line.detail ?? 1) > 1)
		line.leaveOut(`flow_detail=${line.detail}`, `flowtape show ${line.output} prints the flows`);
}

/** Writes flags as the command names them: `--server-replay-reuse` is `--reuse` in some commands. */
function renameFlags(argv: readonly string[], flags: readonly Flag[]): string[] {
	return argv.map((word) => {
		const [name = "", text] = splitOnce(word);
		if (!name.startsWith("--") || name === "--set") return word;
		const found = flagNamed(name, flags);
		if (found === undefined) return word;
		const isNegated = found.spec.type === "boolean" && name.startsWith("--no-") && name.slice(2) !== found.flag;
		return `--${isNegated ? "no-" : ""}${found.flag}${text === undefined ? "" : `=${text}`}`;
	});
}

/** The option that a word names: by its short flag, its flag, its name, or its name without `server_replay_`. */
function flagNamed(word: string, flags: readonly Flag[]): Flag | undefined {
	if (!word.startsWith("--")) return flags.find(({ spec }) => spec.short !== undefined && `-${spec.short}` === word);
	const typed = word.slice(2).replaceAll("-", "_");
	const named = (name: string) =>
		flags.find((each) => each.flag.replaceAll("-", "_") === name) ??
		flags.find((each) => each.name === name || each.name === `server_replay_${name}`);
	return named(typed) ?? (typed.startsWith("no_") ? named(typed.slice(3)) : undefined);
}

/**
 * Prints the translation of a command line with foreign words on stderr. Returns false if there is none.
 * @param words the words after `flowtape`
 */
export async function reportTranslation(
	words: readonly string[],
	commands: readonly Command[],
	{ stderr }: Pick<Io, "stderr">,
): Promise<boolean> {
	const translation = await translate(words, commands);
	if (translation === null) return false;
	const notes = translation.notes.map((note) => `flowtape: ${note}\n`);
	const word = printableLine(translation.firstForeign);
	stderr.write(
		`flowtape: "${word}" belongs to another tool. The equivalent command is:\n  ${printableLine(translation.commandLine)}\n${printable(notes.join(""))}`,
	);
	return true;
}

/** Splits a word at its first `=`. */
function splitOnce(word: string): [string, string?] {
	const at = word.indexOf("=");
	return at === -1 ? [word] : [word.slice(0, at), word.slice(at + 1)];
}
