// Bodies as lines of text, in windows. The text of the last bodies is kept, because a page asks for many windows of one.
import type { Message } from "../../src/flow/message.ts";
import { RecentMap } from "../../src/flow/recent-map.ts";
import { bodyText } from "../../src/views/body.ts";
import { hexDump } from "../../src/views/bytes.ts";
import type { BodyView, BodyWindow, FoundText } from "../page/protocol.ts";

/** Bodies beyond this many bytes are not laid out. */
const LAID_OUT_BYTES = 4 * 1024 * 1024;
/** Bytes of a body that are shown in any view. */
const SHOWN_BYTES = 16 * 1024 * 1024;
/** Characters of a line that are shown; longer lines are continued on the next. */
export const LINE_LENGTH = 4096;
/** Lines in one answer. */
export const MAX_LINES = 2000;
/** Places in one answer. */
const MAX_PLACES = 1000;
const KEPT_TEXTS = 4;

interface BodyLines {
	readonly lines: readonly string[];
	readonly note: string | null;
}

export class BodyTexts {
	#kept = new RecentMap<string, BodyLines>(KEPT_TEXTS);

	/**
	 * Lines `from` to `from + count` of a body.
	 * @param key names the message: texts are kept by it
	 */
	window(key: string, message: () => Message, view: BodyView, from: number, count: number): BodyWindow {
		const { lines, note } = this.#lines(key, message, view);
		return { from, lines: lines.slice(from, from + Math.min(count, MAX_LINES)), total: lines.length, note };
	}

	/** Where a text stands in a body, regardless of case. */
	find(key: string, message: () => Message, view: BodyView, text: string): FoundText {
		const wanted = text.toLowerCase();
		const places: [number, number][] = [];
		if (wanted === "") return { places, isCut: false };
		for (const [n, line] of this.#lines(key, message, view).lines.entries()) {
			const lower = line.toLowerCase();
			for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, at + wanted.length)) {
				if (places.length === MAX_PLACES) return { places, isCut: true };
				places.push([n, at]);
			}
		}
		return { places, isCut: false };
	}

	/** Forgets all texts: the flows have changed. */
	clear(): void {
		this.#kept = new RecentMap(KEPT_TEXTS);
	}

	#lines(key: string, message: () => Message, view: BodyView): BodyLines {
		const name = `${key} ${view}`;
		const kept = this.#kept.get(name);
		if (kept !== undefined) return kept;
		const made = layOut(message(), view);
		this.#kept.set(name, made);
		return made;
	}
}

function layOut(message: Message, view: BodyView): BodyLines {
	if (message.body === null) return { lines: [], note: "The body was not kept." };
	const bytes = message.decodedWithin(SHOWN_BYTES) ?? Buffer.alloc(0);
	const rest = bytes.length - SHOWN_BYTES;
	const note = rest > 0 ? `${rest} more bytes are not shown. Download the body to see them.` : null;
	if (view === "auto" && bytes.length <= LAID_OUT_BYTES)
		return { lines: linesOf(bodyText(message, LAID_OUT_BYTES)), note };
	const part = bytes.subarray(0, SHOWN_BYTES);
	if (view === "hex") return { lines: linesOf(hexDump(part)), note };
	const text = rest > 0 ? part.toString("utf8") : (message.text ?? "");
	return { lines: linesOf(text), note };
}

/** The lines of a text; long ones are continued on the next. */
function linesOf(text: string): string[] {
	const lines = text.split(/\r\n|\n|\r/);
	if (lines.at(-1) === "") lines.pop();
	return lines.flatMap((line) => (line.length <= LINE_LENGTH ? [line] : partsOf(line)));
}

function partsOf(line: string): string[] {
	const parts: string[] = [];
	for (let at = 0; at < line.length; at += LINE_LENGTH) parts.push(line.slice(at, at + LINE_LENGTH));
	return parts;
}
