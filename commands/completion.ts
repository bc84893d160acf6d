// `flowtape completion`: prints a script that completes commands and options in a shell. Made from the commands themselves.
import { FlowtapeError } from "../src/errors.ts";
import { type Command, defineCommand } from "./cli/command.ts";
import { flagsOf } from "./cli/options.ts";

interface Words {
	name: string;
	summary: string;
	/** What the first argument may be, where that is one of a few words. */
	choices: readonly string[];
	flags: readonly { flag: string; help: string }[];
}

const shells: Readonly<Record<string, (words: readonly Words[]) => string>> = { bash, zsh, fish };

/** @param loadAll all commands, this one among them */
export function createCommand(loadAll: () => Promise<readonly Command[]>): Command {
	return defineCommand({
		name: "completion",
		summary: "print a completion script for a shell",
		args: "bash|zsh|fish",
		arity: { min: 1, max: 1 },
		options: {},
		examples: [
			["source <(flowtape completion bash)", "complete in this bash"],
			["flowtape completion fish > ~/.config/fish/completions/flowtape.fish", "complete in every fish"],
		],
		async run({ args: [shell = ""] }, io) {
			const script = Object.hasOwn(shells, shell) ? shells[shell] : undefined;
			if (script === undefined) throw new FlowtapeError("FT_USAGE", `completion: "${shell}" is none of ${Object.keys(shells).join(", ")}`);
			const commands = await loadAll();
			io.stdout.write(script(await Promise.all(commands.map(wordsOf))));
			return 0;
		},
	});
}

async function wordsOf(command: Command): Promise<Words> {
	const choices = /^\w+(\|\w+)+$/.test(command.args) ? command.args.split("|") : [];
	return { name: command.name, summary: command.summary, choices, flags: await flagsOf(command) };
}

function bash(words: readonly Words[]): string {
	const names = words.map(({ name }) => name).join(" ");
	const cases = words.map(
		({ name, flags, choices }) => `\t\t${name}) options="${flags.map(({ flag }) => `--${flag}`).join(" ")}" choices="${choices.join(" ")}" ;;`,
	);
	return `_flowtape() {
	local word="\${COMP_WORDS[COMP_CWORD]}" options="" choices="" i
	COMPREPLY=()
	# behind -- stands a command that is not ours
	for ((i = 1; i < COMP_CWORD; i++)); do
		if [ "\${COMP_WORDS[i]}" = -- ]; then return; fi
	done
	if [ "$COMP_CWORD" -eq 1 ]; then
		options="--help --version" choices="${names} help"
	else
		case "\${COMP_WORDS[1]}" in
${cases.join("\n")}
		help) choices="${names}" ;;
		esac
	fi
	case "$word" in
	-*) COMPREPLY=($(compgen -W "$options" -- "$word")) ;;
	*) COMPREPLY=($(compgen -W "$choices" -- "$word")) ;;
	esac
}
complete -o bashdefault -o default -F _flowtape flowtape
`;
}

function zsh(words: readonly Words[]): string {
	const commands = words.map(({ name, summary }) => `\t\t'${name}:${quoted(summary)}'`);
	const cases = words.map(({ name, flags, choices }) => {
		const options = flags.map(({ flag, help }) => `'--${flag}[${quoted(help)}]'`).join(" ");
		return `\t\t${name}) _arguments ${options} ${choices.length > 0 ? `'1:what:(${choices.join(" ")})'` : "'*:file:_files'"} ;;`;
	});
	return `#compdef flowtape
_flowtape() {
	local -a commands=(
${commands.join("\n")}
	)
	if (( CURRENT == 2 )); then
		_describe command commands
		return
	fi
	local name="$words[2]"
	shift words
	(( CURRENT-- ))
	case "$name" in
${cases.join("\n")}
	esac
}
compdef _flowtape flowtape
`;
}

function fish(words: readonly Words[]): string {
	const lines = words.flatMap(({ name, summary, flags, choices }) => [
		`complete -c flowtape -n __fish_use_subcommand -a ${name} -d '${escaped(summary)}'`,
		...choices.map((choice) => `complete -c flowtape -n '__fish_seen_subcommand_from ${name}' -a ${choice}`),
		...flags.map(({ flag, help }) => `complete -c flowtape -n '__fish_seen_subcommand_from ${name}' -l ${flag} -d '${escaped(help)}'`),
	]);
	return `${lines.join("\n")}\n`;
}

/** For zsh's lists, in which brackets and colons have a meaning. */
function quoted(text: string): string {
	return text.replaceAll("'", "’").replace(/[[\]:\\]/g, "\\$&");
}

function escaped(text: string): string {
	return text.replace(/['\\]/g, "\\$&");
}
