// Detects the kind of a HAR by its first bytes.

/** A HAR 1.2 log, a ZIP with a log and separate bodies, or one entry per line. */
export type HarKind = "log" | "zip" | "lines";

const HEAD_BYTES = 4096;
const LOG = /^(?:\xef\xbb\xbf)?\s*(?:[\w$.]{1,100}\s*\(\s*)?\{\s*"log"/;
/** Keys of a `log`. */
const OF_LOGS = new Set(["version", "creator", "browser", "pages", "entries"]);
/** Keys that occur in HAR entries but not in flows of JSON lines. */
const OF_ENTRIES = new Set(["startedDateTime", "pageref", "timings", "cache"]);
const OF_REQUESTS = new Set(["httpVersion", "queryString", "cookies", "postData", "headersSize", "bodySize"]);

/** null if the file is not a HAR. */
export function kindOf(head: Buffer): HarKind | null {
	if (head.length >= 4 && [0x04034b50, 0x06054b50].includes(head.readUInt32LE(0))) return "zip";
	const text = head.latin1Slice(0, Math.min(head.length, HEAD_BYTES));
	return LOG.test(text) ? "log" : kindByKeys(text);
}

const TOKENS = /"((?:[^"\\]|\\.)*)"\s*(:?)|[{}[\]]/gs;

/** Finds a `log` that is not the first key, or the keys of an entry. Notes in a flow may contain these keys deeper. */
function kindByKeys(text: string): HarKind | null {
	if (!/^(?:\xef\xbb\xbf)?\s*\{\s*"/.test(text)) return null;
	let depth = 0;
	let outer = "";
	for (const [token, key = "", colon] of text.matchAll(TOKENS)) {
		if (token === "{" || token === "[") depth++;
		else if (token === "}" || token === "]") depth--;
		if (depth === 0) return null;
		if (colon !== ":") continue;
		if (depth === 1) outer = key;
		if (depth === 1 && OF_ENTRIES.has(key)) return "lines";
		if (depth === 2 && outer === "request" && OF_REQUESTS.has(key)) return "lines";
		if (depth === 2 && outer === "log" && OF_LOGS.has(key)) return "log";
	}
	return null;
}
