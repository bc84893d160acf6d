// Answers requests from files: a regular expression on the URL selects a file, or a folder in which the rest of the URL
// names the file.
import { realpathSync } from "node:fs";
import { readFile, realpath, stat } from "node:fs/promises";
import { join, resolve, sep } from "node:path";
import { now as clock } from "../clock.ts";
import { FlowtapeError, hasErrno } from "../errors.ts";
import type { HttpFlow } from "../flow/flow.ts";
import { mediaTypeOf } from "../flow/media-type.ts";
import { percentDecode, withoutFragment } from "../flow/url.ts";
import { expandHome, type OptionTable, type OptionValues } from "../options.ts";
import type { HookContext } from "./context.ts";
import type { Decision } from "./decision.ts";
import type { Hook } from "./hook.ts";
import { makeResponse } from "./make-response.ts";
import { parseRules, type Rule } from "./rule.ts";

export const options = {
	map_local: {
		type: "sequence",
		default: [],
		metavar: "|[FILTER|]REGEX|PATH",
		help: "Answer requests with a matching URL from a file. If PATH is a folder, the rest of the URL is the path of the file in it. The first character is the separator.",
	},
	map_local_follow_symlinks: {
		type: "boolean",
		default: false,
		help: "Follow symbolic links that point outside the folders of map_local.",
	},
} as const satisfies OptionTable;

const NAME = "map-local";
/** Concurrent responses share the content of files from this size on. Bytes. */
const SHARED_BYTES = 64 * 1024;

interface LocalRule {
	readonly text: string;
	readonly matches: Rule["matches"];
	/** The part of a URL that names a file below the folder; null if the URL does not match. */
	readonly suffixOf: (url: string) => string | null;
	/** A file or folder, with symbolic links resolved. */
	readonly path: string;
}

/** @throws FlowtapeError FT_BAD_OPTION, FT_BAD_FILTER, FT_BAD_PATTERN */
export async function createMapLocal(values: OptionValues<typeof options>, context: HookContext): Promise<Hook | null> {
	if (values.map_local.length === 0) return null;
	const { compilePythonRegex } = await import("../regex/python-regex.ts");
	const { log, now = clock } = context;
	const parsed = await parseRules(values.map_local, context);
	const rules = parsed.map(({ text, subject, value, matches }): LocalRule => {
		const regex = compilePythonRegex(subject, { kind: "text" });
		const suffixOf = (url: string) => {
			const match = regex.exec(url);
			if (match === null) return null;
			if (regex.groups > 0) return match.groups[1] ?? "";
			const rest = url.slice(match.index + (match.groups[0]?.length ?? 0));
			return rest.replace(/\?.*$/s, "").replace(/^\/+|\/+$/g, "");
		};
		return { text, matches, suffixOf, path: resolveExisting(text, value) };
	});

	/**
	 * Large files that were read recently, with their state at that time, so that responses to slow clients share the
	 * content.
	 */
	const files = new Map<string, { stamp: string; content: WeakRef<Buffer> | Promise<Buffer> }>();

	async function readShared(path: string): Promise<Buffer> {
		const { size, mtimeNs, ctimeNs, ino } = await stat(path, { bigint: true });
		if (size < SHARED_BYTES) return readFile(path);
		const stamp = [size, mtimeNs, ctimeNs, ino].join();
		const known = files.get(path);
		const content =
			known?.stamp !== stamp
				? undefined
				: known.content instanceof Promise
					? await known.content.catch(() => undefined)
					: known.content.deref();
		if (content !== undefined) return content;
		const reading = readFile(path);
		files.set(path, { stamp, content: reading });
		try {
			const read = await reading;
			files.set(path, { stamp, content: new WeakRef(read) });
			return read;
		} catch (error) {
			files.delete(path);
			throw error;
		}
	}

	/** The content of the first candidate that is a file; null if there is none. */
	async function read(candidates: readonly string[], root: string): Promise<{ path: string; content: Buffer } | null> {
		for (const path of candidates) {
			try {
				if (!(await stat(path)).isFile()) continue;
				const real = await realpath(path);
				if (
					!values.map_local_follow_symlinks &&
					real !== root &&
					!real.startsWith(root.endsWith(sep) ? root : root + sep)
				)
					log?.("warning", `${path} is not served: it is a link to a file outside ${root}`);
				else return { path, content: await readShared(real) };
			} catch (error) {
				if (hasErrno(error, "ENOENT", "ENOTDIR", "ENAMETOOLONG", "ELOOP")) continue;
				log?.("warning", `${path} cannot be read: ${(error as Error).message}`);
				return null;
			}
		}
		return null;
	}

	async function answer(
		flow: HttpFlow,
		decision: Decision,
		found: readonly { rule: LocalRule; suffix: string }[],
	): Promise<void> {
		for (const { rule, suffix } of found) {
			const candidates = await candidatesOf(rule.path, suffix);
			const file = await read(candidates, rule.path);
			if (file !== null) {
				const type = mediaTypeOf(file.path);
				context.onChange?.(rule.text);
				decision.answer(makeResponse(200, type === null ? [] : [["Content-Type", type]], file.content, now()), NAME);
				return;
			}
			const why =
				candidates.length === 0
					? `"${suffix}" is outside ${rule.path}`
					: `none of these files exists: ${candidates.join(", ")}`;
			log?.("info", `no local file for ${flow.request.prettyUrl}: ${why}`);
		}
		decision.answer(makeResponse(404, [], Buffer.alloc(0), now()), NAME);
	}

	return {
		name: NAME,
		leavesRequest: true,
		needs: { request: parsed.some((rule) => rule.needsRequestBody) && "decides" },
		request(flow, decision) {
			const url = withoutFragment(flow.request.prettyUrl);
			const found = rules.flatMap((rule) => {
				const suffix = rule.matches(flow) ? rule.suffixOf(url) : null;
				return suffix === null ? [] : [{ rule, suffix }];
			});
			if (found.length > 0) return answer(flow, decision, found);
		},
	};
}

function resolveExisting(text: string, value: string): string {
	try {
		return realpathSync(resolve(expandHome(value)));
	} catch (cause) {
		throw new FlowtapeError("FT_BAD_OPTION", `"${text}": there is no file or folder "${value}"`, {
			file: value,
			cause,
		});
	}
}

/** Other characters become `_`, for files saved under portable names. */
const SPECIAL = /[^0-9a-zA-Z\-_.=(),/]/gu;

/** The paths to try, in order; empty if the suffix leads out of the folder. */
async function candidatesOf(root: string, suffix: string): Promise<string[]> {
	if ((await stat(root).catch(() => null))?.isFile()) return [root];
	if (suffix === "") return [join(root, "index.html")];
	const decoded = percentDecode(suffix);
	const names = [...new Set([decoded, decoded.replace(SPECIAL, "_")])];
	if (!names.every(isInside)) return [];
	return names.flatMap((name) => [join(root, name), join(root, name, "index.html")]);
}

function isInside(name: string): boolean {
	if (name.startsWith("/") || name.includes("\0") || name.split("/").includes("..")) return false;
	return process.platform !== "win32" || !/[\\:]/.test(name);
}
