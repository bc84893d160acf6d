// The list of flow-file formats; opens and creates tapes.
import { FlowtapeError } from "../src/errors.ts";
import type { FileBody } from "../src/flow/file-spool.ts";
import type { Flow } from "../src/flow/flow.ts";
import { type FlowSink, FlowSource, ForwardingSource, type ReadOptions, type ReadProgress } from "../src/flow/pipe.ts";
import { defaultRequestKey } from "../src/replay/match/key.ts";
import { redactedKeys } from "../src/replay/match/redacted.ts";
import type { RecordedTape } from "../src/replay/recordings/index-of-tapes.ts";
import { checkAppendable } from "./append-check.ts";
import { withoutCompression } from "./compression.ts";
import type { Format, Input, SinkOptions, SourceOptions } from "./format.ts";
import { har } from "./har.ts";
import { openInput } from "./input.ts";
import { jsonl } from "./jsonl.ts";
import { mitm } from "./mitm.ts";
import { createTapeFormat } from "./tape.ts";

export type { Format, SinkOptions } from "./format.ts";
export { summaryLine } from "./jsonl.ts";
export { openOutput } from "./output.ts";

/** In the order of detection. The first is the default for writing. */
export const formats: readonly Format[] = [
	createTapeFormat({ keyOf: defaultRequestKey, redacted: redactedKeys }),
	mitm,
	har,
	jsonl,
];

/** Bytes needed to detect a format. */
const HEAD_BYTES = 4096;

/** Additional formats. */
export interface MoreFormats {
	/** Detected before the built-in ones. */
	formats?: readonly Format[] | undefined;
}

export interface OpenOptions extends SourceOptions, MoreFormats {
	/** The bytes of stdin, if they were read before. */
	stdin?: FileBody | null | undefined;
	/** Name of the format; default: detected from the content. */
	format?: string | undefined;
}

/**
 * Opens a tape of any format for reading, `-` for stdin. An empty file is a tape without flows.
 * @throws FlowtapeError FT_NOT_FOUND, FT_IO, FT_UNKNOWN_FORMAT; FT_BAD_OPTION if no format has the given name;
 * FT_CORRUPT_FLOW if the beginning cannot be decompressed
 */
export async function openTape(path: string, options: OpenOptions): Promise<FlowSource> {
	const { input, format } = await recognise(path, options.format, options.formats, options.stdin);
	return sourceOf(input, format, options);
}

async function sourceOf(input: Input, format: Format | null, options: SourceOptions): Promise<FlowSource> {
	if (format === null) {
		await input.close();
		return empty;
	}
	return new OpenSource(await format.read(input, options), input);
}

/** Closes the input after reading. */
class OpenSource extends ForwardingSource {
	readonly #input: Input;

	constructor(source: FlowSource, input: Input) {
		super(source);
		this.#input = input;
	}

	override progress(): ReadProgress {
		const own = this.inner.progress();
		return own.total === null ? this.#input.progress() : own;
	}

	override async transfer(sink: FlowSink): Promise<number | null> {
		const count = await this.inner.transfer(sink);
		if (count !== null) await this.#input.close();
		return count;
	}

	override async *read(options?: ReadOptions): AsyncGenerator<Flow[]> {
		try {
			yield* this.inner.read(options);
		} finally {
			await this.#input.close();
		}
	}

	override async close(): Promise<void> {
		await this.inner.close();
		await this.#input.close();
	}
}

/**
 * Opens a tape for replay. If the format finds recordings by their request key, this reads no flows yet.
 * @throws FlowtapeError as `openTape`
 */
export async function openRecordings(path: string, options: OpenOptions): Promise<RecordedTape> {
	const { input, format } = await recognise(path, options.format, options.formats);
	if (input.path === null || format?.openKeyed === undefined) return sourceOf(input, format, options);
	await input.close();
	return format.openKeyed(input.path, options);
}

/** The name of a file's format by its content; null for an empty file. @throws FlowtapeError as `openTape` */
export async function formatOf(
	path: string,
	{ format: named, formats: more }: MoreFormats & { format?: string | undefined } = {},
): Promise<string | null> {
	const { input, format } = await recognise(path, named, more);
	await input.close();
	return format?.name ?? null;
}

/** Opens an input and finds its format by name or content; the format of an empty input is null. */
async function recognise(
	path: string,
	named: string | undefined,
	more: readonly Format[] = [],
	stdin: FileBody | null = null,
): Promise<{ input: Input; format: Format | null }> {
	const input = await openInput(path, stdin);
	try {
		const head = await input.peek(HEAD_BYTES);
		if (head.length === 0) return { input, format: null };
		const format =
			named === undefined ? [...more, ...formats].find((each) => each.sniff(head)) : formatNamed(named, more);
		if (format !== undefined) return { input, format };
		const message = `${input.name}: byte 0: not a tape: expected ${expected}, found a file that begins with ${printableHead(head)}`;
		throw new FlowtapeError("FT_UNKNOWN_FORMAT", message, { file: path, offset: 0 });
	} catch (error) {
		await input.close();
		throw error;
	}
}

const expected = "a .tape, a mitmproxy dump, a HAR or JSON lines";

const empty = FlowSource.of(async function* () {});

export interface CreateOptions extends SinkOptions, MoreFormats {
	/** Name of the format; default: by the extension. */
	format?: string | undefined;
}

/**
 * Opens a tape for writing, `-` for stdout. A new file gets its name only when complete.
 * @throws FlowtapeError FT_BAD_OPTION if no format has the given name; FT_USAGE if no format has the extension of the
 * path, or if the file cannot be appended to; FT_IO
 */
export async function createTape(path: string, options: CreateOptions): Promise<FlowSink> {
	const own = options.formats ?? [];
	const format = formatForWriting(path, options.format, own);
	if (options.append === true && format.isOpenEnded === true)
		await checkAppendable(path, (head) => [...own, ...formats].find((each) => each.sniff(head)) === format);
	return format.create(path, options);
}

/** The format for writing: as named, or by the extension. */
export function formatForWriting(path: string, name?: string, more: readonly Format[] = []): Format {
	if (name !== undefined) return formatNamed(name, more);
	const all = [...more, ...formats];
	const lower = withoutCompression(path).toLowerCase();
	const format = all.find(({ extensions }) => extensions.some((extension) => lower.endsWith(extension)));
	if (format !== undefined) return format;
	if (path === "-")
		throw new FlowtapeError(
			"FT_USAGE",
			`stdout: no format given: use --format with one of ${namesOf(all.filter((each) => each.name !== "tape"))}`,
		);
	throw new FlowtapeError(
		"FT_USAGE",
		`${path}: no format has this extension: use one of ${all.flatMap(({ extensions }) => extensions).join(" ")}, or --format with one of ${namesOf(all)}`,
	);
}

function formatNamed(name: string, more: readonly Format[]): Format {
	const all = [...more, ...formats];
	const format = all.find((each) => each.name === name);
	if (format === undefined)
		throw new FlowtapeError("FT_BAD_OPTION", `expected one of ${namesOf(all)}, found "${name}"`, { option: "format" });
	return format;
}

function namesOf(formats: readonly Format[]): string {
	return formats.map(({ name }) => name).join(", ");
}

/** The first bytes, printable. */
function printableHead(head: Buffer): string {
	return JSON.stringify(head.toString("latin1", 0, Math.min(24, head.length)).replace(/[^\x20-\x7e]/g, "."));
}
