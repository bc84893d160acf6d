// Python regular expressions, as in filters, rules and replacements. A pattern means the same as in Python's `re`, on
// text or on bytes, and cannot hang the process.
import type * as Vm from "node:vm";
import { FlowtapeError } from "../errors.ts";
import { isAscii, toByteString, toText } from "../flow/bytes.ts";
import { lazily } from "../lazy.ts";
import { useLinearEngine } from "../process-tuning.ts";
import { isNullable, maxSafeLength, requiredLiteral } from "./cost.ts";
import { type EmitOptions, emitRegex } from "./emit.ts";
import { parsePythonRegex, type RegexFlags } from "./parse.ts";
import type { RegexKind } from "./read.ts";
import { parseTemplate, type Template } from "./template.ts";
import { type RegexTree, reachOf, someNode } from "./tree.ts";
import { type Window, Windows } from "./windows.ts";

export interface PythonRegexOptions extends RegexFlags {
	/** `text`: subjects are strings; `bytes`: subjects are byte strings, with ASCII classes and case. */
	kind: RegexKind;
}

/**
 * A match: its index and the text of each group (0: the whole match); undefined: the group did not participate. Unlike
 * in Python, a group in a repeat has its value from the last iteration only, and never from an iteration that matched
 * the empty string.
 */
export interface PythonMatch {
	readonly index: number;
	readonly groups: readonly (string | undefined)[];
}

/** The JavaScript translation of a pattern for one kind of subject. */
interface Program {
	readonly regex: RegExp;
	readonly global: RegExp;
	readonly groups: readonly (readonly number[])[];
	/** Whether V8 can find an empty match inside a surrogate pair, where Python finds none. */
	readonly mayMatchInPair: boolean;
}

/**
 * If the pattern may look at any character, longer bodies are tested in overlapping windows, because strings have a
 * maximum length. A match that is longer than the overlap may be missed.
 */
const LARGEST_TESTED = 256 * 1024 * 1024;

const IN_PAIR = /^[\ud800-\udbff][\udc00-\udfff]/;

/**
 * Compiles a pattern. A pattern of kind `bytes` is also given as text, and is compiled as its UTF-8 bytes.
 * @throws FlowtapeError FT_BAD_PATTERN with the column, if Python rejects the pattern or it has no equivalent in
 * JavaScript
 */
export function compilePythonRegex(pattern: string, options: PythonRegexOptions): PythonRegex {
	return new PythonRegex(pattern, options);
}

export class PythonRegex {
	readonly pattern: string;
	readonly kind: RegexKind;
	readonly #tree: RegexTree;
	/** Searches in longer subjects have a time limit. */
	readonly #maxSafeLength: number;
	readonly #needsLineFeed: boolean;
	/** See `reachOf`. */
	readonly #reach: number;
	readonly #programs: (Program | undefined)[] = [];
	#required: Buffer | RegExp | null | undefined;

	/** Use `compilePythonRegex`. */
	constructor(pattern: string, { kind, ...flags }: PythonRegexOptions) {
		this.pattern = pattern;
		this.kind = kind;
		this.#tree = parse(pattern, kind, flags);
		this.#maxSafeLength = maxSafeLength(this.#tree.root, kind);
		this.#needsLineFeed = someNode(this.#tree.root, (node) => node.type === "anchor" && node.at === "lastLineEnd");
		this.#reach = reachOf(this.#tree.root);
		if (this.#maxSafeLength < 64) useLinearEngine();
		this.#program(kind === "bytes" ? "bytes" : "unicode", false);
	}

	/** Number of capturing groups. */
	get groups(): number {
		return this.#tree.groups;
	}

	/** The numbers of the named groups. */
	get names(): ReadonlyMap<string, number> {
		return this.#tree.names;
	}

	/** Whether the pattern matches anywhere. @throws FlowtapeError FT_PATTERN_STOPPED */
	test(subject: string): boolean {
		const { regex, mayMatchInPair } = this.#programFor(subject);
		return mayMatchInPair ? this.exec(subject) !== null : this.#limited(subject, () => regex.test(subject));
	}

	/** As `test`, on bytes; the pattern must be of kind `bytes`. */
	testBytes(bytes: Buffer): boolean {
		if (this.#required === undefined) this.#required = required(this.#tree);
		// most subjects are ruled out by bytes that every match contains, without converting them to a string
		if (this.#required instanceof Buffer && !bytes.includes(this.#required)) return false;
		const windows = new Windows(bytes, this.#reach, LARGEST_TESTED);
		for (let from = 0; ; ) {
			const window = windows.at(from);
			if (this.#testWindow(window, from)) return true;
			if (window.end === Infinity) return false;
			from = window.end;
		}
	}

	/** The first match at or after `from`. @throws FlowtapeError FT_PATTERN_STOPPED */
	exec(subject: string, from = 0): PythonMatch | null {
		const program = this.#programFor(subject);
		const match = this.#limited(subject, () => find(program, subject, from));
		return match && { index: match.index, groups: groupsOf(program, match) };
	}

	/**
	 * Parses a replacement template with `\1`, `\g<name>` and escapes.
	 * @throws FlowtapeError FT_BAD_PATTERN for an unknown group or escape
	 */
	template(text: string): Template {
		const template = parseTemplate(text, this.groups, this.#tree.names);
		return this.kind === "text"
			? template
			: template.map((part) => (typeof part === "string" ? toByteString(part) : part));
	}

	/**
	 * Replaces every match by a literal string or a template. The total time and the size of the result are limited.
	 * @throws FlowtapeError FT_PATTERN_STOPPED
	 */
	replace(subject: string, replacement: string | Template): string {
		return [...this.replaceInParts(subject, replacement)].join("");
	}

	/**
	 * As `replace`, but yields the result in parts. The time that the caller takes between parts does not count. Of
	 * bytes, only as many as the pattern can look at are a string at the same time.
	 * @param limit maximum length of the result, in characters
	 */
	replaceInParts(
		subject: string | Buffer,
		replacement: string | Template,
		limit = resultLimit(subject.length),
	): Generator<string> {
		const result = new Result(this.pattern, subject.length, limit);
		return this.#replaceIn(new Windows(subject, this.#reach), filler(replacement), result);
	}

	*#replaceIn(windows: Windows, fill: Filler, result: Result): Generator<string> {
		let [at, from] = [0, 0];
		let window = windows.at(from);
		/** Replaces matches until the result is full. Returns false if the window has no more. */
		const replaceSome = (): boolean => {
			const { text, start, end } = window;
			const program = this.#programFor(text);
			while (from - start <= text.length) {
				const match = find(program, text, from - start);
				if (match === null || match.index + start >= end) return false;
				const { index } = match;
				const next = index + match[0].length;
				result.add(text.slice(at - start, index));
				result.add(fill(program, match));
				at = next + start;
				from = next === index ? at + ((text.codePointAt(next) ?? 0) > 0xffff ? 2 : 1) : at;
				if (result.isFull) return true;
			}
			return false;
		};
		for (;;) {
			if (!this.#limited(window.text, replaceSome)) {
				from = Math.max(from, window.end);
				result.add(window.text.slice(at - window.start, from - window.start));
				at = from;
				if (window.end === Infinity) break;
				window = windows.at(from);
			}
			yield result.flush();
			result.resume();
		}
		yield result.flush();
	}

	#programFor(subject: string): Program {
		const lineFeed = this.#needsLineFeed && subject.charCodeAt(subject.length - 1) === 10;
		return this.#program(this.kind === "bytes" ? "bytes" : isAscii(subject) ? "ascii" : "unicode", lineFeed);
	}

	#program(subject: EmitOptions["subject"], lineFeedAtEnd: boolean): Program {
		const key = (subject === "unicode" ? 2 : 0) + (lineFeedAtEnd ? 1 : 0);
		let program = this.#programs[key];
		if (program === undefined) {
			program = this.#compile({ subject, lineFeedAtEnd });
			this.#programs[key] = program;
		}
		return program;
	}

	#compile(options: EmitOptions): Program {
		const { source, flags, groups } = emitRegex(this.#tree, options);
		try {
			return {
				regex: new RegExp(source, flags),
				global: new RegExp(source, `${flags}g`),
				groups,
				mayMatchInPair: flags.includes("v") && isNullable(this.#tree.root),
			};
		} catch (cause) {
			throw new FlowtapeError("FT_BAD_PATTERN", `"${this.pattern}" cannot be compiled: ${(cause as Error).message}`, {
				cause,
			});
		}
	}

	#testWindow({ text, start, end }: Window, from: number): boolean {
		if (this.#required instanceof RegExp && !this.#required.test(text)) return false;
		if (end === Infinity && start === 0) return this.test(text);
		const match = this.exec(text, from - start);
		return match !== null && match.index + start < end;
	}

	/** Runs a search in this subject, with a time limit if it may take long. */
	#limited<T>(subject: string, search: () => T): T {
		return subject.length <= this.#maxSafeLength ? search() : this.#runLimited(search, subject.length);
	}

	#runLimited<T>(run: () => T, length: number): T {
		return runWithTimeout(run, LIMIT_MS + length / BYTES_PER_MS, () => {
			const message = `the pattern "${this.pattern}" was stopped after ${LIMIT_MS / 1000} s on ${length} characters: make its repeats less ambiguous`;
			return new FlowtapeError("FT_PATTERN_STOPPED", message);
		});
	}
}

/**
 * A literal that every match contains, if it is faster to search for it first, which rules out most subjects; null:
 * none.
 */
function required({ root }: RegexTree): Buffer | RegExp | null {
	const literal = requiredLiteral(root);
	if (literal.length === 0) return null;
	const codes = literal.map((node) => (node.type === "set" && node.fold === "none" ? (node.ranges[0]?.[0] ?? -1) : -1));
	if (codes.every((code) => code >= 0)) return Buffer.from(codes);
	if (root.type === "set" || (root.type === "sequence" && literal.length === root.of.length)) return null;
	return new RegExp(
		emitRegex(
			{ root: { type: "sequence", of: literal }, groups: 0, names: new Map() },
			{ subject: "bytes", lineFeedAtEnd: false },
		).source,
	);
}

/** The result of replacing. It joins pieces as it grows, so that many small ones do not take much memory. */
class Result {
	readonly #pattern: string;
	readonly #limit: number;
	/** The remaining time in milliseconds, and the time at which the clock was last started. */
	#leftMs: number;
	#since = performance.now();
	#pieces: string[] = [];
	#length = 0;

	constructor(pattern: string, size: number, limit: number) {
		this.#pattern = pattern;
		this.#limit = limit;
		this.#leftMs = REPLACING_MS + size / REPLACED_PER_MS;
	}

	add(piece: string): void {
		this.#length += piece.length;
		if (this.#length > this.#limit)
			throw this.#stopped(`the result is larger than ${Math.floor(this.#limit / 2 ** 20)} MiB`);
		this.#pieces.push(piece);
	}

	get isFull(): boolean {
		return this.#pieces.length >= PIECES;
	}

	/** Returns the text added since the last call, and stops the clock. */
	flush(): string {
		this.#leftMs -= performance.now() - this.#since;
		if (this.#leftMs < 0) throw this.#stopped("it exceeded the time limit for one body");
		const part = this.#pieces.join("");
		this.#pieces = [];
		return part;
	}

	/** Starts the clock again. */
	resume(): void {
		this.#since = performance.now();
	}

	#stopped(why: string): FlowtapeError {
		return new FlowtapeError("FT_PATTERN_STOPPED", `replacing "${this.#pattern}" was stopped: ${why}`);
	}
}

const PIECES = 1024;
/** Maximum length of the result of replacing, in characters; it is larger for long subjects, see `resultLimit`. */
const RESULT_LIMIT = 256 * 1024 * 1024;
/** The longest string in V8. */
const MAX_STRING_LENGTH = 2 ** 29 - 1024;
function resultLimit(size: number): number {
	return Math.min(Math.max(size + RESULT_LIMIT / 4, RESULT_LIMIT), MAX_STRING_LENGTH);
}

/**
 * Time limit for replacing all matches in one subject, in milliseconds. One millisecond is added for every
 * `REPLACED_PER_MS` characters.
 */
const REPLACING_MS = 5000;
const REPLACED_PER_MS = 10_000;

/**
 * Time limit of one search, or of the searches for one part of a replacement, in milliseconds. One millisecond is added
 * for every `BYTES_PER_MS` characters.
 */
const LIMIT_MS = 2000;
const BYTES_PER_MS = 100_000;

function parse(pattern: string, kind: RegexKind, flags: RegexFlags): RegexTree {
	if (kind === "text") return parsePythonRegex(pattern, kind, flags);
	const bytes = toByteString(pattern);
	try {
		return parsePythonRegex(bytes, kind, flags);
	} catch (error) {
		if (!(error instanceof FlowtapeError) || error.column === undefined) throw error;
		throw error.withDetail({ column: toText(bytes.slice(0, error.column - 1)).length + 1 });
	}
}

/** The first match at or after `from`. */
function find({ global, mayMatchInPair }: Program, subject: string, from: number): RegExpExecArray | null {
	for (let at = from; ; ) {
		global.lastIndex = at;
		const match = global.exec(subject);
		if (match === null || !mayMatchInPair) return match;
		if (!IN_PAIR.test(subject.slice(match.index - 1, match.index + 1))) return match;
		at = match.index + 1;
	}
}

/** The text of each of Python's groups. */
function groupsOf({ groups }: Program, match: RegExpExecArray): (string | undefined)[] {
	const found = groups.map((numbers) => numbers.map((number) => match[number]).find((part) => part !== undefined));
	found[0] = match[0];
	return found;
}

/** Returns the replacement of a match. */
type Filler = (program: Program, match: RegExpExecArray) => string;

function filler(replacement: string | Template): Filler {
	if (typeof replacement === "string") return () => replacement;
	if (replacement.every((part) => typeof part === "string")) return filler(replacement.join(""));
	return (program, match) => {
		const groups = groupsOf(program, match);
		return replacement.map((part) => (typeof part === "string" ? part : (groups[part] ?? ""))).join("");
	};
}

const vm = lazily<typeof Vm>("node:vm");

let limiter: ((run: () => unknown, limitMs: number) => unknown) | undefined;

/** Runs synchronous work and interrupts it at the time limit. */
function runWithTimeout<T>(run: () => T, limitMs: number, stopped: () => FlowtapeError): T {
	limiter ??= createLimiter();
	try {
		return limiter(run, limitMs) as T;
	} catch (error) {
		// the error is from another realm, so it is not an instance of Error here
		const { code } = error as { code?: unknown };
		throw code === "ERR_SCRIPT_EXECUTION_TIMEOUT" ? stopped() : error;
	}
}

function createLimiter(): (run: () => unknown, limitMs: number) => unknown {
	const box: { run: (() => unknown) | null } = { run: null };
	const context = vm().createContext(box);
	const script = new (vm().Script)("run()");
	return (run, limitMs) => {
		box.run = run;
		try {
			return script.runInContext(context, { timeout: Math.ceil(limitMs) });
		} finally {
			box.run = null;
		}
	};
}
