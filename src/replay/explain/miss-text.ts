// A miss in words, for people, and as data, for programs.
import { quoteInLine } from "../../export/shell.ts";
import { toByteString, toText } from "../../flow/bytes.ts";
import type { Difference, ReplayOption } from "./differences.ts";
import type { NearMiss } from "./near-miss.ts";

/** What a command leaves out of option names to make its flags. */
const PREFIX = "server_replay_";
/** Characters of a value that are shown. */
const SHOWN = 80;

/** The request as people name it. */
export interface Missed {
	readonly method: string;
	readonly url: string;
}

/**
 * A few lines, each ended by a line feed.
 * @param near nearest first; null: not looked for
 * @param prefix what the command leaves out of option names to make its flags
 */
export function missText({ method, url }: Missed, near: readonly NearMiss[] | null, prefix = PREFIX): string {
	const lines = [`No recording answers ${method} ${url}`];
	if (near === null) lines.push("Too many misses at once to compare this one; `flowtape explain` does.");
	else if (near.length === 0) lines.push("There are no recordings.");
	else lines.push("Nearest:", ...telling(near).flatMap((each, n) => nearLines(each, n + 1, prefix)));
	return `${lines.join("\n")}\n`;
}

/** Where options would make the nearest match, those that no option makes match are of no interest. */
function telling(near: readonly NearMiss[]): readonly NearMiss[] {
	return near[0]?.options ? near.filter(({ options }) => options !== null) : near;
}

function nearLines(near: NearMiss, n: number, prefix: string): string[] {
	const differences = near.differences.slice(0, 8).map((difference) => `   ${differenceText(difference)}`);
	const more = near.differences.length - differences.length;
	if (more > 0) differences.push(`   and ${more} more differences`);
	return [
		`${n}. ${near.method} ${near.url} ${statusText(near)}(flow ${near.id.slice(0, 8)})`,
		...differences,
		...useLines(near),
		`   ${adviceText(near, prefix)}`,
	];
}

function statusText({ status }: NearMiss): string {
	return status === null ? "" : `→ ${status} `;
}

function useLines({ uses, differences }: NearMiss): string[] {
	if (uses === 0) return [];
	return [`   ${differences.length === 0 ? "the same request, but this recording" : "it"} has answered ${uses === 1 ? "once" : `${uses} times`} already`];
}

function adviceText({ status, kept, options, differences }: NearMiss, prefix: string): string {
	if (status === null || (status < 200 && status !== 101)) return "it has no response to answer with";
	if (!kept) return "its body was not kept, so it cannot answer: --store-streamed-bodies keeps bodies that pass as they come";
	if (options === null) return differences.length > 0 && differences.every(isOfWish) ? wishText(differences) : "no option makes it match";
	return options.length === 0 ? "it would answer now" : `would answer with ${options.map((option) => flagOf(option, prefix)).join(" ")}`;
}

function isOfWish({ part }: Difference): boolean {
	return part === "range" || part === "condition";
}

function wishText(differences: readonly Difference[]): string {
	if (differences.some(({ part }) => part === "range")) return "a part answers only requests for bytes that it holds";
	const isOfPreflight = differences.some(({ name }) => name?.startsWith("Access-Control-"));
	return isOfPreflight
		? "it does not let the request pass that this preflight asks for"
		: "it answers only requests with the same condition: it is for clients that have a copy";
}

export function differenceText(difference: Difference): string {
	const { name, recorded, sent } = difference;
	const part = isOfWish(difference) ? "header" : difference.part;
	const where =
		name === undefined ? part : `${part === "query" || part === "form" ? `${part} field` : part} ${part === "json" ? name || '""' : JSON.stringify(name)}`;
	if (part === "match") return "the match function says no";
	if (part === "notation") return "the bodies mean the same and are written differently";
	// values of JSON are quoted already
	const text = (value: string | null) => (value === null ? "nothing" : part === "json" ? shortened(value) : JSON.stringify(shortened(value)));
	return `${where}: recorded ${text(recorded)}, sent ${text(sent)}`;
}

function shortened(value: string): string {
	return value.length > SHOWN ? `${value.slice(0, SHOWN)}…` : value;
}

/** `--ignore-params t`, quoted for a shell where it has to be. */
export function flagOf({ name, value }: ReplayOption, prefix = PREFIX): string {
	const flag = `--${name.replace(prefix, "").replaceAll("_", "-")}`;
	if (value === true) return flag;
	// a value that looks like an option is no word of its own
	return `${flag}${value.startsWith("-") ? "=" : " "}${toText(quoteInLine(toByteString(value)))}`;
}

/** For JSON: options in the notation of `--set`. */
export function missData({ method, url }: Missed, near: readonly NearMiss[] | null): object {
	return { error: "no recording", request: { method, url }, nearest: near?.map(nearData) ?? null };
}

export function nearData({ options, differences, ...facts }: NearMiss): object {
	return {
		...facts,
		differences: differences.map(({ option, ...difference }) => ({ ...difference, option: option && assignment(option) })),
		options: options?.map(assignment) ?? null,
	};
}

function assignment({ name, value }: ReplayOption): string {
	return `${name}=${value}`;
}
