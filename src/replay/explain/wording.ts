// The words in which the explanation of a miss gives advice: as flags of a command, or as options of a program.
import { quoteInLine } from "../../export/shell.ts";
import type { ReplayOption } from "./differences.ts";

/** How advice is worded for the user of a command or a program. */
export interface MissWording {
	/** The options as the user gives them, such as `--ignore-params t`. */
	optionsText(options: readonly ReplayOption[]): string;
	/** A question about a loopback URL: is its server one that should not be recorded? */
	readonly ownServerHint: string;
	/** How to record a body that was left out because it was streamed. */
	readonly streamedBodyHint: string;
}

/** The prefix that flags omit from option names. */
const PREFIX = "server_replay_";

/** The words for a command whose flags omit `prefix` from option names. */
export function flagWording(prefix = PREFIX): MissWording {
	return {
		optionsText: (options) => options.map((option) => flagOf(option, prefix)).join(" "),
		ownServerHint:
			"Is this a server of the program itself? Requests to servers that a command after -- runs pass unchanged while they listen.",
		streamedBodyHint: "--store-streamed-bodies records streamed bodies",
	};
}

/** Such as `--ignore-params t`, quoted for shells if needed. */
export function flagOf({ name, value }: ReplayOption, prefix = PREFIX): string {
	const flag = `--${name.replace(prefix, "").replaceAll("_", "-")}`;
	if (value === true) return flag;
	// a value that begins with a dash must be attached with `=`
	return `${flag}${value.startsWith("-") ? "=" : " "}${quoteInLine(value)}`;
}
