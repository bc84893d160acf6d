// Changes to stored flows that the live proxy has no feature for: status, comment, mark, content codings, dates.
import { FlowtapeError } from "../errors.ts";
import { encodeBody } from "../flow/body.ts";
import type { Flow, HttpFlow } from "../flow/flow.ts";
import type { Message } from "../flow/message.ts";
import type { Step } from "../flow/pipe.ts";
import { standardReason } from "../flow/reason.ts";
import type { OptionTable, OptionValues } from "../options.ts";
import { compileRefresh, type Refresh, refreshResponse } from "../replay/answer/refresh.ts";

export const options = {
	set_status: { type: "integer", default: null, min: 100, max: 999, metavar: "CODE", help: "Give every response this status, with its usual reason." },
	set_comment: { type: "string", default: null, metavar: "TEXT", help: "Give every flow this comment; an empty one takes comments away." },
	mark: { type: "string", default: null, implied: ":default:", metavar: "MARKER", help: "Mark every flow; an empty marker takes marks away." },
	decode: { type: "boolean", default: false, help: "Undo the content codings of bodies." },
	encode: { type: "string", default: null, choices: ["gzip", "deflate", "br", "zstd"], help: "Apply this content coding to bodies that have none." },
	refresh: {
		type: "string",
		default: null,
		implied: "now",
		metavar: "TIME",
		help: "Move the dates of responses as if they were replayed at TIME, seconds since 1970; now, if no time is given.",
	},
	refresh_also: {
		type: "sequence",
		default: [],
		metavar: "WHAT",
		help: "With refresh, move these dates too: headers by name, as retry-after or sunset, and places in JSON bodies, as /data/expires_at.",
	},
} as const satisfies OptionTable;

/** What became of a flow, for whoever counts: called with the option when it changed something. */
export interface EditContext {
	/** Seconds since 1970; what `--refresh` without a time means. */
	now: number;
	/** Whether flows remember to when `--refresh` moved their dates, so that a second one starts from there; true unless given. */
	marksRefresh?: boolean;
	onChange?: (option: string) => void;
	log?: (level: "warning", message: string) => void;
}

/** An edit; true when it changed the flow. */
type Edit = (flow: Flow, context: EditContext) => boolean;

/**
 * The edits that are asked for, one after the other, as a step; null where there are none.
 * @throws FlowtapeError FT_BAD_OPTION
 */
export function createEdits(values: OptionValues<typeof options>, context: EditContext): Step | null {
	const edits: [option: string, edit: Edit][] = [];
	const { set_status: status, set_comment: comment, mark, encode, refresh, refresh_also: also } = values;
	if (refresh === null && also.length > 0)
		throw new FlowtapeError("FT_BAD_OPTION", "it says which dates --refresh moves too, and that was not given", { option: "refresh_also" });
	if (status !== null) edits.push(["set-status", ofResponse((flow) => setStatus(flow, status))]);
	if (comment !== null) edits.push(["set-comment", (flow) => replace(flow, "comment", comment)]);
	if (mark !== null) edits.push(["mark", (flow) => replace(flow, "marked", mark)]);
	if (values.decode) edits.push(["decode", ofMessages(decode)]);
	if (encode !== null) edits.push(["encode", ofMessages((message) => applyCoding(message, encode))]);
	if (refresh !== null) edits.push(["refresh", refreshAt(timeOf(refresh, context.now), compileRefresh(also, "refresh_also"))]);
	if (edits.length === 0) return null;
	return (flow) => {
		for (const [option, edit] of edits) {
			if (!edit(flow, context)) continue;
			flow.record = undefined;
			context.onChange?.(option);
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

/** Both messages; what cannot be decoded is left as it is and told of. */
function ofMessages(edit: (message: Message) => boolean): Edit {
	return (flow, { log }) => {
		if (flow.type !== "http") return false;
		let changed = false;
		for (const message of [flow.request, flow.response]) {
			try {
				if (message !== null && edit(message)) changed = true;
			} catch (error) {
				if (!(error instanceof FlowtapeError)) throw error;
				log?.("warning", `a body of ${flow.request.prettyUrl} is left as it is: ${error.message}`);
			}
		}
		return changed;
	};
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
	if (rawContent === null || rawContent.length === 0 || (current !== null && current.trim().toLowerCase() !== "identity")) return false;
	if (encodeBody(Buffer.alloc(0), coding) === null) return false;
	message.headers.set("content-encoding", coding);
	message.content = rawContent;
	return true;
}

function timeOf(text: string, now: number): number {
	if (text === "now") return now;
	if (/^\d+$/.test(text)) return Number(text);
	throw new FlowtapeError("FT_BAD_OPTION", `"${text}" is no time: whole seconds since 1970 are, or nothing for now`, { option: "refresh" });
}

function refreshAt(time: number, refresh: Refresh): Edit {
	return ofResponse((flow, { marksRefresh = true }) => {
		const { response } = flow;
		const { body } = response;
		const before = response.headers.fields;
		refreshResponse(response, time, refresh, flow.refreshed ?? undefined);
		const isChanged = response.body !== body || response.headers.fields.some((part, i) => part !== before[i]);
		// a mark that is there already has to stay true
		if (isChanged && (marksRefresh || flow.refreshed !== null)) flow.refreshed = time;
		return isChanged;
	});
}
