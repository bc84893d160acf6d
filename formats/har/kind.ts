// What of a HAR's kind a file is, by its first bytes.

/** A log as HAR 1.2 has it, a ZIP with one and the bodies in files of their own, or entries one a line. */
export type HarKind = "log" | "zip" | "lines";

const HEAD_BYTES = 4096;
const LOG = /^(?:\xef\xbb\xbf)?\s*(?:[\w$.]{1,100}\s*\(\s*)?\{\s*"log"/;
/** The log behind other keys. */
const LATER_LOG = /^(?:\xef\xbb\xbf)?\s*\{.*[{,]\s*"log"\s*:\s*\{\s*"(?:version|creator|browser|pages|entries)"\s*:/s;
/** Keys that entries have and flows of JSON lines have not. */
const OF_ENTRIES = new Set(["startedDateTime", "pageref", "timings", "cache"]);
const OF_REQUESTS = new Set(["httpVersion", "queryString", "cookies", "postData", "headersSize", "bodySize"]);

/** null: no HAR. */
export function kindOf(head: Buffer): HarKind | null {
	if (head.length >= 4 && [0x04034b50, 0x06054b50].includes(head.readUInt32LE(0))) return "zip";
	const text = head.latin1Slice(0, Math.min(head.length, HEAD_BYTES));
	if (LOG.test(text) || LATER_LOG.test(text)) return "log";
	return isEntry(text) ? "lines" : null;
}

const TOKENS = /"((?:[^"\\]|\\.)*)"\s*(:?)|[{}[\]]/gs;

/** Whether a text begins with an entry. */
function isEntry(text: string): boolean {
	if (!/^(?:\xef\xbb\xbf)?\s*\{\s*"/.test(text)) return false;
	let depth = 0;
	let outer = "";
	for (const [token, key = "", colon] of text.matchAll(TOKENS)) {
		if (token === "{" || token === "[") depth++;
		else if (token === "}" || token === "]") depth--;
		if (depth === 0) return false;
		if (colon !== ":") continue;
		if (depth === 1) outer = key;
		if (depth === 1 ? OF_ENTRIES.has(key) : depth === 2 && outer === "request" && OF_REQUESTS.has(key)) return true;
	}
	return false;
}
