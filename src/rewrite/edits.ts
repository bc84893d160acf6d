// Edits of stored flows that the live proxy does not have: status, comment, mark, JSON values, hosts, content codings,
// dates, bodies.
import { FlowtapeError } from "../errors.ts";
import { encodeBody } from "../flow/body.ts";
import type { Flow, HttpFlow } from "../flow/flow.ts";
import type { Message } from "../flow/message.ts";
import type { Step } from "../flow/pipe.ts";
import { standardReason } from "../flow/reason.ts";
import type { OptionTable, OptionValues } from "../options.ts";
import { compileRefresh, hasDates, type Refresh, refreshResponse } from "../replay/answer/refresh.ts";
import { editJsonBody, parseJsonRules } from "./edit-json.ts";
import { HostRenaming } from "./rename-host.ts";

export const options = {
	set_status: {
		type: "integer",
		default: null,
		min: 100,
		max: 999,
		metavar: "CODE",
		help: "Set this status on every response, with the standard reason phrase.",
	},
	set_comment: {
		type: "string",
		default: null,
		metavar: "TEXT",
		help: "Set this comment on every flow; an empty text removes comments.",
	},
	mark: {
		type: "string",
		default: null,
		implied: ":default:",
		metavar: "MARKER",
		help: "Set this marker on every flow; an empty marker removes markers.",
	},
	json_set: {
		type: "sequence",
		default: [],
		metavar: "PATH=VALUE",
		help: "Set values of JSON bodies, such as /user/name=Ann or $..token=null. A VALUE that is not JSON is a string.",
	},
	json_delete: {
		type: "sequence",
		default: [],
		metavar: "PATH",
		help: "Delete values of JSON bodies, such as /user/email or $..password.",
	},
	rename_host: {
		type: "sequence",
		default: [],
		metavar: "OLD=NEW",
		help: "Rename a host in URLs, headers, cookie domains and text bodies; ports stay.",
	},
	decode: { type: "boolean", default: false, help: "Remove the content coding of bodies." },
	encode: {
		type: "string",
		default: null,
		choices: ["gzip", "deflate", "br", "zstd"],
		help: "Apply this content coding to bodies that have none.",
	},
	refresh: {
		type: "string",
		default: null,
		implied: "now",
		metavar: "TIME",
		help: "Shift the dates of responses as if they were replayed at TIME (seconds since 1970). Default: now.",
	},
	refresh_also: {
		type: "sequence",
		default: [],
		metavar: "WHAT",
		help: "With refresh, shift these dates too: headers such as retry-after or sunset, and values of JSON bodies such as /data/expires_at.",
	},
	drop_bodies: {
		type: "boolean",
		default: false,
		help: "Remove bodies, as if they had not been recorded; headers and empty bodies stay.",
	},
} as const satisfies OptionTable;

/** The context of edits, and the receiver of their changes. */
export interface EditContext {
	/** The time for `--refresh` without a value, in seconds since 1970. */
	now: number;
	/** Whether `--refresh` stores its time in the flow, so that a second one moves the dates from there; default true. */
	marksRefresh?: boolean;
	/** Called with the name of the option, or the rule, when an edit has changed a flow. */
	onChange?: (option: string) => void;
	/** Called with the name of an option that applied to a flow, although the flow may be as before. */
	onApply?: ((option: string) => void) | undefined;
	log?: (level: "warning", message: string) => void;
}

/** Edits a flow; returns the rules that changed it, or whether it changed. */
type Edit = (flow: Flow, context: EditContext) => boolean | readonly string[];

/**
 * A step that applies the edits of all given options in order; null: there are none.
 * @throws FlowtapeError FT_BAD_OPTION
 */
export function createEdits(values: OptionValues<typeof options>, context: EditContext): Step | null {
	const edits: [option: string, edit: Edit][] = [];
	const { set_status: status, set_comment: comment, mark, encode, refresh, refresh_also: also } = values;
	if (refresh === null && also.length > 0)
		throw new FlowtapeError(
			"FT_BAD_OPTION",
			"it adds dates to those that --refresh moves, so --refresh must be given too",
			{ option: "refresh_also" },
		);
	if (status !== null) edits.push(["set-status", ofResponse((flow) => setStatus(flow, status))]);
	if (comment !== null) edits.push(["set-comment", (flow) => replace(flow, "comment", comment)]);
	if (mark !== null) edits.push(["mark", (flow) => replace(flow, "marked", mark)]);
	const rules = parseJsonRules(values.json_set, values.json_delete);
	if (rules.length > 0) edits.push(["json", ofEachMessage((message) => editJsonBody(message, rules))]);
	if (values.rename_host.length > 0) edits.push(["rename-host", renameHosts(values.rename_host)]);
	if (values.decode) edits.push(["decode", ofMessages(decode)]);
	if (encode !== null) edits.push(["encode", ofMessages((message) => applyCoding(message, encode))]);
	if (refresh !== null)
		edits.push(["refresh", refreshAt(timeOf(refresh, context.now), compileRefresh(also, "refresh_also"))]);
	if (values.drop_bodies) edits.push(["drop-bodies", dropBodies]);
	if (edits.length === 0) return null;
	return (flow) => {
		for (const [option, edit] of edits) {
			const changed = edit(flow, context);
			const applied = typeof changed === "boolean" ? (changed ? [option] : []) : changed;
			if (applied.length === 0) continue;
			flow.record = undefined;
			for (const rule of applied) context.onChange?.(rule);
		}
		return flow;
	};
}

function replace(flow: Flow, key: "comment" | "marked", value: string): boolean {
	const isNew = flow[key] !== value;
	flow[key] = value;
	return isNew;
}

type Answered = HttpFlow & { response: NonNullable<HttpFlow["response"]> };

function ofResponse(edit: (flow: Answered, context: EditContext) => boolean): Edit {
	return (flow, context) => flow.type === "http" && flow.response !== null && edit(flow as Answered, context);
}

function setStatus({ response }: Answered, status: number): boolean {
	if (response.statusCode === status) return false;
	response.statusCode = status;
	response.reason = standardReason(status);
	return true;
}

/** Applies an edit to request and response. A body that cannot be decoded is left unchanged, with a warning. */
function ofMessages(edit: (message: Message) => boolean): Edit {
	const editEach = ofEachMessage((message) => (edit(message) ? ["changed"] : []), false);
	return (flow, context) => editEach(flow, context).length > 0;
}

/**
 * As `ofMessages`, but the edit returns the rules that changed the message. It is applied to the original request too.
 */
function ofEachMessage(
	edit: (message: Message) => readonly string[],
	hasOriginal = true,
): (flow: Flow, context: EditContext) => readonly string[] {
	return (flow, context) => {
		if (flow.type !== "http") return [];
		const changed = new Set<string>();
		for (const message of [hasOriginal ? flow.original : null, flow.request, flow.response]) {
			try {
				if (message !== null) for (const rule of edit(message)) changed.add(rule);
			} catch (error) {
				if (!(error instanceof FlowtapeError)) throw error;
				leave(flow, error, context);
			}
		}
		return [...changed];
	};
}

function leave({ request }: HttpFlow, error: FlowtapeError, { log }: EditContext): void {
	log?.("warning", `a body of ${request.prettyUrl} is left as it is: ${error.message}`);
}

/** @throws FlowtapeError FT_BAD_OPTION */
function renameHosts(texts: readonly string[]): Edit {
	const renaming = new HostRenaming(texts);
	return (flow, context) => {
		if (flow.type !== "http") return false;
		const messages = [flow.original, flow.request, flow.response];
		return renaming.apply(messages, flow.websocket, (error) => leave(flow, error, context));
	};
}

/** Drops bodies. An empty body stays: if it were dropped, it would count as not recorded. */
function dropBodies(flow: Flow): boolean {
	if (flow.type !== "http") return false;
	let changed = false;
	for (const message of [flow.original, flow.request, flow.response]) {
		if (!message?.bodySize) continue;
		message.body = null;
		changed = true;
	}
	return changed;
}

function decode(message: Message): boolean {
	if (!message.headers.has("content-encoding")) return false;
	const { content } = message;
	if (content === null || content.length === 0) return false;
	message.headers.delete("content-encoding");
	message.content = content;
	return true;
}

function applyCoding(message: Message, coding: string): boolean {
	const { rawContent } = message;
	const current = message.headers.get("content-encoding");
	if (
		rawContent === null ||
		rawContent.length === 0 ||
		(current !== null && current.trim().toLowerCase() !== "identity")
	)
		return false;
	if (encodeBody(Buffer.alloc(0), coding) === null) return false;
	message.headers.set("content-encoding", coding);
	message.content = rawContent;
	return true;
}

function timeOf(text: string, now: number): number {
	if (text === "now") return now;
	if (/^\d+$/.test(text)) return Number(text);
	throw new FlowtapeError(
		"FT_BAD_OPTION",
		`"${text}" is not a time: give whole seconds since 1970, or no value for now`,
		{ option: "refresh" },
	);
}

function refreshAt(time: number, refresh: Refresh): Edit {
	return ofResponse((flow, { marksRefresh = true, onApply }) => {
		const { response } = flow;
		const { body } = response;
		const before = response.headers.fields;
		// HTTP dates have whole seconds: those of a new recording may already be right
		if (hasDates(response, refresh)) onApply?.("refresh");
		refreshResponse(response, time, refresh, flow.refreshed ?? undefined);
		const isChanged = response.body !== body || response.headers.fields.some((part, i) => part !== before[i]);
		// a stored time must match the dates, even without `marksRefresh`
		if (isChanged && (marksRefresh || flow.refreshed !== null)) flow.refreshed = time;
		return isChanged;
	});
}
