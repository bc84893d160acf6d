// `flowtape completion`: prints the completion script of a shell.
import { FlowtapeError } from "../src/errors.ts";
import { defineCommand } from "./cli/command.ts";
import { scripts } from "./completion/scripts.ts";

export const command = defineCommand({
	name: "completion",
	summary: "print a completion script for a shell",
	args: "bash|zsh|fish|powershell",
	arity: { min: 1, max: 1 },
	options: {},
	examples: [
		["source <(flowtape completion bash)", "enable completion in this bash"],
		["flowtape completion fish > ~/.config/fish/completions/flowtape.fish", "enable completion in every fish"],
		["flowtape completion powershell | Out-String | Invoke-Expression", "enable completion in this PowerShell"],
	],
	async run({ args: [shell = ""] }, io) {
		const script = Object.hasOwn(scripts, shell) ? scripts[shell] : undefined;
		if (script === undefined)
			throw new FlowtapeError(
				"FT_USAGE",
				`completion: expected one of ${Object.keys(scripts).join(", ")}, found "${shell}"`,
			);
		io.stdout.write(script);
		return 0;
	},
});
