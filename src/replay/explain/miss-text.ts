// Describes a miss as text for people and as data for programs.
import { staysHere } from "../../flow/loopback.ts";
import { splitUrl } from "../../flow/url.ts";
import { printableLine } from "../../views/printable.ts";
import type { ReplayOption, RequestDifference } from "./differences.ts";
import type { NearMiss } from "./near-miss.ts";
import { flagWording, type MissWording } from "./wording.ts";

/** Longest value that is shown in full, in characters. */
const SHOWN = 80;

/** Method and URL of the missed request. */
export interface Missed {
	readonly method: string;
	readonly url: string;
}

/**
 * Some lines of text, each with a line feed. They are safe to print, even if the request or the recordings contain
 * control characters.
 * @param near nearest first; null: not searched
 * @param wording the words for advice; default: flags of `replay-server`
 */
export function missText(
	{ method, url }: Missed,
	near: readonly NearMiss[] | null,
	wording: MissWording = flagWording(),
): string {
	const lines = [`No recording answers ${method} ${url}`];
	if (isLocal(url)) lines.push(wording.ownServerHint);
	if (near === null) lines.push("Too many misses at once to compare this one; `flowtape explain` compares it.");
	else if (near.length === 0) lines.push("No recording has this host, or a path like this one.");
	else lines.push("Nearest:", ...mostInformative(near).flatMap((each, n) => nearLines(each, n + 1, wording)));
	return lines.map((line) => `${printableLine(line)}\n`).join("");
}

/**
 * The recordings to show. If options would make the nearest one match, recordings that no option makes match are left
 * out.
 */
function mostInformative(near: readonly NearMiss[]): readonly NearMiss[] {
	return near[0]?.options ? near.filter(({ options }) => options !== null) : near;
}

function nearLines(near: NearMiss, n: number, wording: MissWording): string[] {
	const differences = near.differences.slice(0, 8).map((difference) => `   ${differenceText(difference)}`);
	const more = near.differences.length - differences.length;
	if (more > 0) differences.push(`   and ${more} more differences`);
	return [
		`${n}. ${near.method} ${near.url} ${statusText(near)}(flow ${near.id.slice(0, 8)})`,
		...differences,
		...useLines(near),
		`   ${adviceText(near, wording)}`,
	];
}

function statusText({ status }: NearMiss): string {
	return status === null ? "" : `→ ${status} `;
}

function useLines({ uses, differences }: NearMiss): string[] {
	if (uses === 0) return [];
	return [
		`   ${differences.length === 0 ? "the same request, but this recording" : "it"} has answered ${uses === 1 ? "once" : `${uses} times`} already`,
	];
}

function isLocal(url: string): boolean {
	return staysHere(splitUrl(url)?.host ?? "");
}

function adviceText({ url, status, kept, damaged, options, differences }: NearMiss, wording: MissWording): string {
	if (status === null || (status < 200 && status !== 101)) return "it has no response to answer with";
	if (damaged) return "its body is damaged on the tape, so it cannot answer; record it again";
	if (!kept) return `its body was not recorded, so it cannot answer: ${wording.streamedBodyHint}`;
	if (options === null)
		return differences.length > 0 && differences.every(isCondition)
			? conditionText(differences)
			: "no option makes it match";
	if (options.length === 0) return "it would answer now";
	const isOtherPort = isLocal(url) && options.some(({ name }) => name === "server_replay_ignore_port");
	return `${isOtherPort ? "if it is another server, whose port changes: " : ""}would answer with ${wording.optionsText(options)}`;
}

function isCondition({ part }: RequestDifference): boolean {
	return part === "range" || part === "condition";
}

function conditionText(differences: readonly RequestDifference[]): string {
	if (differences.some(({ part }) => part === "range"))
		return "a partial response answers only requests for the bytes that it contains";
	const isOfPreflight = differences.some(({ name }) => name?.startsWith("Access-Control-"));
	return isOfPreflight
		? "it does not allow the request that this preflight asks about"
		: "it answers only requests with the same condition, because it is for clients with a cached copy";
}

export function differenceText(difference: RequestDifference): string {
	const { name, recorded, sent } = difference;
	const part = isCondition(difference) ? "header" : difference.part;
	const where =
		name === undefined
			? part
			: `${part === "query" || part === "form" ? `${part} field` : part} ${part === "json" ? name || '""' : JSON.stringify(name)}`;
	if (part === "match") return "the match function rejects it";
	if (part === "notation") return "the bodies have the same meaning, but different bytes";
	// JSON values are already quoted
	const text = (value: string | null) =>
		value === null ? "nothing" : part === "json" ? shortened(value) : JSON.stringify(shortened(value));
	return `${where}: recorded ${text(recorded)}, sent ${text(sent)}`;
}

function shortened(value: string): string {
	return value.length > SHOWN ? `${value.slice(0, SHOWN)}…` : value;
}

/** A miss as data for JSON. Options are named as for `--set`. */
export function missData({ method, url }: Missed, near: readonly NearMiss[] | null): object {
	return { error: "no recording", request: { method, url }, nearest: near?.map(nearData) ?? null };
}

export function nearData({ options, differences, ...rest }: NearMiss): object {
	return {
		...rest,
		differences: differences.map(({ option, ...difference }) => ({
			...difference,
			option: option && assignment(option),
		})),
		options: options?.map(assignment) ?? null,
	};
}

function assignment({ name, value }: ReplayOption): string {
	return `${name}=${value}`;
}
